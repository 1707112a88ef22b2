"""When rules would have fired over the lake's history: rules of conf/ or of a file, nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from lake.alerts.alert import Alert
from lake.config import Settings
from lake.errors import BadInput
from lake.features.registry import near
from lake.market.timeframes import TIMEFRAMES, parse_timeframe
from lake.rules.identity import rule_version
from lake.rules.language import read_rule_file, rules_for
from lake.rules.rule import Rule, sides_of
from lake.steps.alerts import Period, days_of, history_alerts, others_of
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.store.reads import known_symbols, read_history

_YEAR = 365.25

_SUMMARY = pa.schema(
    [
        *((name, pa.string()) for name in ("rule", "version", "symbol", "timeframe", "side")),
        ("bars", pa.int64()),
        ("fires", pa.int64()),
        ("per_year", pa.float64()),
        ("first", pa.timestamp("us", "UTC")),
        ("last", pa.timestamp("us", "UTC")),
        ("after_cooldown", pa.int64()),
    ]
)
_FIRES = pa.schema(
    [
        *((name, pa.string()) for name in ("rule", "symbol", "timeframe", "side", "variant")),
        ("ts", pa.timestamp("us", "UTC")),
        ("closes_at", pa.timestamp("us", "UTC")),
        ("price", pa.float64()),
        ("delivered", pa.bool_()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule on one series: the bars in the period, how many days they span, and when it fired.

    `delivered` says of each alert whether the rule's own cooldown would have let it through.
    """

    rule: Rule
    symbol: str
    timeframe: str
    bars: int
    days: int
    alerts: tuple[Alert, ...]
    delivered: tuple[bool, ...] = ()


def try_rules(
    settings: Settings,
    path: Path | None = None,
    name: str | None = None,
    symbols: Sequence[str] | None = None,
    timeframes: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
) -> list[Trial]:
    """Return when rules would have fired, by rule, symbol and timeframe; they see all history before `start`.

    Args:
        path: a file of rules; conf/rules.yaml if left out.
        name: one rule; all if left out.

    Raises:
        BadConfiguration: the file cannot be used.
        BadInput: there is no such rule, timeframe or bar, or none of the rules is for the timeframes.
        UnknownSymbol: `symbols` names one that the lake does not have.
    """
    rules, period = _chosen(settings, path, name), Period(start, end)
    con, now = connect(Lake.open(settings)), now_utc()
    names = known_symbols(con, symbols)
    chosen = _timeframes(rules, timeframes)
    found = [
        trial
        for timeframe in chosen
        for trial in _trials(con, rules_for(rules, timeframe), timeframe, names, period, now)
    ]
    if not found:
        raise BadInput(
            f"expected bars of {', '.join(chosen)} to try rules on, found none of these symbols and days; "
            "ingest some first, or choose others"
        )
    order = list(rules)
    return sorted(_cooled(found), key=lambda each: (order.index(each.rule.name), each.symbol))


def summary(trials: Sequence[Trial]) -> pa.Table:
    """Return one row for each side that a rule can take on a series."""
    rows = []
    for each in trials:
        for side in sides_of(each.rule):
            own = [place for place, alert in enumerate(each.alerts) if alert.side == side]
            rows.append(
                {
                    "rule": each.rule.name,
                    "version": rule_version(each.rule),
                    "symbol": each.symbol,
                    "timeframe": each.timeframe,
                    "side": side,
                    "bars": each.bars,
                    "fires": len(own),
                    "per_year": len(own) * _YEAR / each.days,
                    "first": each.alerts[own[0]].ts if own else None,
                    "last": each.alerts[own[-1]].ts if own else None,
                    "after_cooldown": sum(each.delivered[place] for place in own),
                }
            )
    return pa.Table.from_pylist(rows, schema=_SUMMARY)


def fires(trials: Sequence[Trial]) -> pa.Table:
    """Return one row for each time that a rule would have fired, oldest first."""
    rows = [
        {name: getattr(alert, name) for name in _FIRES.names if name != "delivered"}
        | {"delivered": delivered}
        for each in trials
        for alert, delivered in zip(each.alerts, each.delivered, strict=True)
    ]
    rows.sort(key=lambda row: (row["closes_at"], row["symbol"], row["rule"]))
    return pa.Table.from_pylist(rows, schema=_FIRES)


def _chosen(settings: Settings, path: Path | None, name: str | None) -> Mapping[str, Rule]:
    source = path or settings.conf_folder / "rules.yaml"
    rules = read_rule_file(source)
    if name is None:
        return rules
    if name not in rules:
        raise BadInput(
            f"expected --rule, one of {', '.join(rules)}, found {name!r}{near(name, rules)}; "
            f"add it to {source}"
        )
    return {name: rules[name]}


def _timeframes(rules: Mapping[str, Rule], names: Sequence[str] | None) -> list[str]:
    own = {timeframe for rule in rules.values() for timeframe in rule.timeframes}
    chosen = [parse_timeframe(name) for name in names] if names else list(own)
    if not own & set(chosen):
        known = ", ".join(timeframe for timeframe in TIMEFRAMES if timeframe in own)
        raise BadInput(
            f"expected timeframes that the rules are for, among {known}, "
            f"found {', '.join(chosen)}; choose one of them or extend the rule"
        )
    return [timeframe for timeframe in TIMEFRAMES if timeframe in own & set(chosen)]


def _trials(
    con: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    timeframe: str,
    symbols: Sequence[str],
    period: Period,
    now: datetime,
) -> Iterator[Trial]:
    others = others_of(con, rules, symbols)
    for bars, actions in read_history(con, timeframe, symbols):
        days = days_of(bars)
        inside = [day for day in days.tolist() if period.has(day)]
        if not inside:
            continue
        found = history_alerts(rules, bars, actions, now, others.get(bars.symbol, ()))
        of_day = dict(zip(bars.ts.tolist(), days.tolist(), strict=True))
        kept = [alert for alert in found if period.has(of_day[alert.ts.replace(tzinfo=None)])]
        span = (inside[-1] - inside[0]).days + 1
        for rule in rules:
            own = tuple(alert for alert in kept if alert.rule == rule.name)
            yield Trial(rule, bars.symbol, timeframe, len(inside), span, own)


def _cooled(trials: Sequence[Trial]) -> Iterator[Trial]:
    """Yield trials with what the cooldown leaves: it holds for a rule and symbol over all timeframes."""
    last: dict[tuple[str, str], datetime] = {}
    passed: set[str] = set()
    for alert, cooldown in sorted(
        ((alert, each.rule.cooldown or timedelta(0)) for each in trials for alert in each.alerts),
        key=lambda pair: (pair[0].closes_at, pair[0].timeframe, pair[0].alert_id),
    ):
        before = last.get((alert.rule, alert.symbol))
        if before is None or alert.closes_at - before >= cooldown:
            last[alert.rule, alert.symbol] = alert.closes_at
            passed.add(alert.alert_id)
    for each in trials:
        yield replace(each, delivered=tuple(alert.alert_id in passed for alert in each.alerts))
