"""Alerts of batch: what every rule says of all landed history, and what it does not say any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from lake.alerts.alert import Alert, alert_of_row, alert_rows
from lake.alerts.keep import keep
from lake.alerts.keep_rules import keep_rules
from lake.config import Settings
from lake.errors import BadInput
from lake.market.adjust import adjusted, split_factor
from lake.market.bars import Actions, Bars, Dates
from lake.market.timeframes import TIMEFRAMES, kind_of, parse_timeframe
from lake.rules.elsewhere import answers_of, asks_of
from lake.rules.identity import rule_version
from lake.rules.language import read_rules, rules_for
from lake.rules.rule import LEVEL_COLUMN, Rule, methods_of
from lake.steps.states import keep_states
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.store.reads import known_symbols, read_history

CHUNK = 50
"""Symbols whose alerts are in memory at once and written in one commit."""


@dataclass(frozen=True, slots=True)
class Period:
    """Sessions from `first` to `last`, both included; None leaves a side open."""

    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if self.first and self.last and self.first > self.last:
            raise BadInput(
                f"expected dates in order, found --from {self.first} after --to {self.last}; swap them"
            )

    def has(self, day: date) -> bool:
        """Return whether a session lies in the period."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def raise_alerts(
    settings: Settings,
    symbols: Sequence[str] | None = None,
    timeframes: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Bring table alerts up to date with the bars and the rules, and return what changed.

    Rules see all history; `start` and `end` limit what is written. An alert of the same rule version
    that does not fire any more becomes invalidated. Without `timeframes` these are all that a rule
    names and the lake has bars of, and table symbol_states is brought up to date with them.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
        BadInput: `timeframes` names one that does not exist, or the dates are reversed.
        BadConfiguration: conf/rules.yaml cannot be used.
    """
    lake, moment, period = Lake.open(settings), now or now_utc(), Period(start, end)
    con = connect(lake)
    rules, frames = read_rules(settings.conf_folder), _timeframes(settings, con, timeframes)
    counts = {"timeframes": len(frames), "alerts": 0, "written": 0, "replaced": 0, "invalidated": 0}
    names = known_symbols(con, symbols)
    keep_rules(lake, rules.values(), moment)
    if timeframes is None and names:
        keep_states(lake, con, names)
    for timeframe in frames:
        own = rules_for(rules, timeframe)
        for begin in range(0, len(names), CHUNK):
            found, gone = _chunk(con, own, timeframe, names[begin : begin + CHUNK], period, moment)
            change = keep(lake, [*found, *gone], moment)
            counts["alerts"] += len(found)
            counts["invalidated"] += len(gone)
            counts["written"] += change.inserted
            counts["replaced"] += change.closed
    return counts


def find_alerts(
    settings: Settings,
    symbols: Sequence[str] | None = None,
    timeframes: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    as_of: datetime | None = None,
    now: datetime | None = None,
) -> pa.Table:
    """Return what `raise_alerts` would write, from what was known at `as_of`, and write nothing."""
    lake, moment, period = Lake.open(settings), now or now_utc(), Period(start, end)
    con = connect(lake, as_of)
    rules, found = read_rules(settings.conf_folder), list[Alert]()
    names = known_symbols(con, symbols)
    for timeframe in _timeframes(settings, con, timeframes):
        own = rules_for(rules, timeframe)
        others = others_of(con, own, names)
        for bars, actions in read_history(con, timeframe, names):
            made = _of_history(own, bars, actions, moment, others.get(bars.symbol, ()))
            found += [alert for alert, day in made if period.has(day)]
    return alert_rows(found)


def _timeframes(settings: Settings, con: duckdb.DuckDBPyConnection, names: Sequence[str] | None) -> list[str]:
    if names:
        return [parse_timeframe(name) for name in names]
    held = {row[0] for row in con.execute("SELECT DISTINCT timeframe FROM bars").fetchall()}
    named = {each for rule in read_rules(settings.conf_folder).values() for each in rule.timeframes}
    return [name for name in TIMEFRAMES if name in held & named]


def _chunk(
    con: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    timeframe: str,
    symbols: Sequence[str],
    period: Period,
    now: datetime,
) -> tuple[list[Alert], list[Alert]]:
    """Return the alerts of some symbols, and those of the lake that do not fire any more."""
    found: list[Alert] = []
    newest: dict[str, datetime] = {}
    days: dict[tuple[str, datetime], date] = {}
    others = others_of(con, rules, symbols)
    for bars, actions in read_history(con, timeframe, symbols):
        moments = [moment.replace(tzinfo=UTC) for moment in bars.ts.tolist()]
        newest[bars.symbol] = moments[-1]
        days |= zip(((bars.symbol, each) for each in moments), days_of(bars).tolist(), strict=True)
        own = _of_history(rules, bars, actions, now, others.get(bars.symbol, ()))
        found += [alert for alert, day in own if period.has(day)]
    firing = {alert.alert_id for alert in found}
    gone = [
        alert.invalidated("batch", now)
        for alert in _confirmed(con, rules, timeframe, symbols, firing)
        # The stream keeps its alerts before it lands their bars: those are not judged here yet.
        if alert.symbol in newest
        and alert.ts <= newest[alert.symbol]
        and period.has(days.get((alert.symbol, alert.ts), alert.ts.date()))
    ]
    return found, gone


def _confirmed(
    con: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    timeframe: str,
    symbols: Sequence[str],
    firing: set[str],
) -> Iterator[Alert]:
    """Yield the confirmed alerts that these versions of rules raised, those of `firing` aside."""
    versions = [f"{rule.name}@{rule_version(rule)}" for rule in rules]
    rows = con.execute(
        "SELECT * EXCLUDE (superseded_at) FROM lake.alerts WHERE superseded_at IS NULL "
        "AND status IN ('confirmed', 'provisional') AND timeframe = ? AND symbol IN (SELECT unnest(?)) "
        "AND rule || '@' || rule_version IN (SELECT unnest(?)) "
        "AND alert_id NOT IN (SELECT unnest(?)) ORDER BY symbol, ts, alert_id",
        [timeframe, list(symbols), versions, sorted(firing)],
    ).to_arrow_table()
    return map(alert_of_row, rows.to_pylist())


def _of_history(
    rules: Sequence[Rule], bars: Bars, actions: Actions, now: datetime, others: Sequence[Bars]
) -> Iterator[tuple[Alert, date]]:
    """Yield the alerts of one symbol's bars as traded, each with the session that counts for it."""
    found = history_alerts(rules, bars, actions, now, others)
    starts = [moment.replace(tzinfo=UTC) for moment in bars.ts.tolist()] if found else []
    days = dict(zip(starts, days_of(bars).tolist(), strict=True)) if found else {}
    return ((alert, days[alert.ts]) for alert in found)


def others_of(
    con: duckdb.DuckDBPyConnection, rules: Sequence[Rule], symbols: Sequence[str]
) -> dict[str, list[Bars]]:
    """Return the symbols' bars as traded of every timeframe that rules ask of besides their own."""
    found: dict[str, list[Bars]] = {}
    for timeframe in asks_of(rules):
        for bars, _ in read_history(con, timeframe, symbols):
            found.setdefault(bars.symbol, []).append(bars)
    return found


def history_alerts(
    rules: Sequence[Rule], bars: Bars, actions: Actions, now: datetime, others: Sequence[Bars] = ()
) -> list[Alert]:
    """Return the alerts of one symbol's bars as traded, oldest first.

    `others` are its bars of the timeframes that rules ask of besides their own.
    """
    from lake.alerts.detect import detect
    from lake.features.kernel import compute
    from lake.levels.batch import find
    from lake.levels.registry import methods

    if not len(bars) or not rules:
        return []
    split_bars = adjusted(bars, actions, "split")
    later_splits = split_factor(bars.session, actions.up_to(bars.session[-1]))
    columns = compute(split_bars, sorted({name for rule in rules for name in (*rule.columns, *rule.shown)}))
    chosen = {name: methods()[name] for name in methods_of(rules)}
    events = find(split_bars, columns[LEVEL_COLUMN], chosen).events if chosen else []
    said = answers_of(rules, others, actions)
    return detect(rules, split_bars, columns, events, later_splits, 0, "batch", now, said)


def days_of(bars: Bars) -> Dates:
    """Return the date by which `--from` and `--to` choose each bar."""
    return bars.session if kind_of(bars.timeframe) == "intraday" else bars.ts.astype("datetime64[D]")
