"""The lookahead gate over the lake's own bars: every column, level method, rule and longer bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import duckdb
import numpy as np

from lake.config import Settings
from lake.errors import BadConfiguration, BadInput
from lake.lookahead.check import Checked, History, check
from lake.lookahead.cuts import cuts_of
from lake.lookahead.definitions import Definitions, installed
from lake.lookahead.finding import Finding
from lake.lookahead.longer import longer_finding, stored_finding
from lake.market.aggregate import LONGER_INTRADAY
from lake.market.bars import Actions, Bars
from lake.market.sessions import Calendar, calendar
from lake.market.timeframes import TIMEFRAMES, kind_of, parse_timeframe
from lake.rules.elsewhere import asks_of
from lake.rules.language import rules_for
from lake.steps.derive import GRACE
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.store.reads import known_symbols, read_history

CUTS = 3
"""At how many bars each history is cut unless a run says otherwise."""

QUICK_CUTS, QUICK_SYMBOLS = 1, 3
"""How much of a lake the pipeline looks at before it computes features: enough to catch what is new."""

Tell = Callable[[int, int, str], None]
"""Is told how many histories of how many are done, and which one is next."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate looked at, and the definitions that it found to look ahead."""

    symbols: int
    histories: int
    checked: Checked
    definitions: Definitions

    @property
    def findings(self) -> list[Finding]:
        """Return what looks ahead, each culprit once a history."""
        return self.checked.findings

    @property
    def counts(self) -> dict[str, Any]:
        """Return what was looked at."""
        return {
            "symbols": self.symbols,
            "histories": self.histories,
            "cuts": self.checked.cuts,
            "columns": len(self.definitions.registry.readable),
            "level_methods": len(self.definitions.methods),
            "rules": len(self.definitions.rules),
            "findings": len(self.findings),
        }


def verify_lookahead(
    settings: Settings,
    symbols: Sequence[str] | None = None,
    timeframes: Sequence[str] | None = None,
    cuts: int = CUTS,
    seed: int = 0,
    most_symbols: int | None = None,
    tell: Tell | None = None,
    now: datetime | None = None,
) -> Verdict:
    """Recompute everything on truncated histories of the lake's bars and return what differs.

    Without `timeframes` these are all that the lake has bars of. With `most_symbols` no more than
    that many are looked at, chosen by `seed` and the lake's newest bar. Bars of minutes may have closed by
    the clock `now`, as they do for `lake derive` and the worker.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
        BadInput: `timeframes` names one that does not exist, `cuts` is not positive, `seed` negative.
        BadConfiguration: conf/rules.yaml cannot be used.
    """
    if cuts < 1:
        raise BadInput(f"expected at least one cut, found {cuts}; choose another --cuts")
    if seed < 0:
        raise BadInput(f"expected a seed of 0 or more, found {seed}; choose another --seed")
    con = connect(Lake.open(settings))
    definitions = installed(settings.conf_folder)
    names, frames = known_symbols(con, symbols), _timeframes(con, timeframes)
    if most_symbols is not None:
        names = _some(con, names, most_symbols, seed)
    passed = np.datetime64(((now or now_utc()) - GRACE).replace(tzinfo=None), "us")
    checked, histories = Checked(), 0
    for number, symbol in enumerate(names):
        for place, timeframe in enumerate(frames):
            if tell is not None:
                tell(number * len(frames) + place, len(names) * len(frames), f"{symbol} {timeframe}")
            found = _check_one(con, symbol, timeframe, cuts, seed, definitions, passed)
            histories += found is not None
            checked.add(found or Checked())
    return Verdict(len(names), histories, checked, definitions)


def require_no_lookahead(
    settings: Settings, symbols: Sequence[str] | None = None, seed: int = 0
) -> dict[str, Any]:
    """Look at a few cuts of a few symbols, which is quick, and return what was looked at.

    Raises:
        BadConfiguration: a column, level method, rule or longer bar looks ahead; names each.
    """
    verdict = verify_lookahead(settings, symbols, None, QUICK_CUTS, seed, QUICK_SYMBOLS)
    if verdict.findings:
        raise BadConfiguration("; ".join(dict.fromkeys(map(str, verdict.findings[:10]))))
    return verdict.counts


def _timeframes(con: duckdb.DuckDBPyConnection, names: Sequence[str] | None) -> list[str]:
    if names:
        return [parse_timeframe(name) for name in names]
    held = {row[0] for row in con.execute("SELECT DISTINCT timeframe FROM bars").fetchall()}
    return [name for name in TIMEFRAMES if name in held]


def _some(con: duckdb.DuckDBPyConnection, names: list[str], most: int, seed: int) -> list[str]:
    """Return some of the symbols: others when the lake has newer bars, so that all have their turn."""
    newest = con.execute("SELECT max(epoch_ms(ts)) FROM bars").fetchone()
    moment = int(newest[0] or 0) if newest else 0
    chosen = np.random.default_rng([seed, moment]).permutation(len(names))[:most]
    return [names[place] for place in sorted(chosen.tolist())]


def _check_one(
    con: duckdb.DuckDBPyConnection,
    symbol: str,
    timeframe: str,
    cuts: int,
    seed: int,
    definitions: Definitions,
    passed: np.datetime64,
) -> Checked | None:
    """Return what the gate finds in one symbol's bars of a timeframe; None if it has none."""
    stored = next(iter(read_history(con, timeframe, [symbol])), None)
    if stored is None:
        return None
    shorter = _shorter(con, symbol, timeframe, definitions)
    history = History(*stored)
    found = list[Finding]()
    if shorter is not None:
        of_minutes = kind_of(timeframe) == "intraday"
        finding = stored_finding(stored[0], shorter.bars, passed if of_minutes else None)
        found += [] if finding is None else [finding]
        if of_minutes:  # candles may be the vendor's: these are judged as they are
            found += _of_minutes(shorter, cuts_of(shorter.bars, cuts, seed))
        else:
            history = shorter
    history = replace(history, others=_others(con, symbol, timeframe, definitions))
    checked = check(history, cuts_of(history.bars, cuts, seed), definitions)
    return Checked([*found, *checked.findings], checked.cuts, checked.largest)


def _shorter(
    con: duckdb.DuckDBPyConnection, symbol: str, timeframe: str, definitions: Definitions
) -> History | None:
    """Return the bars that a timeframe is derived from, where the lake has them."""
    source = {"weekly": "1d", "n_day": "1d"}.get(kind_of(timeframe))
    if timeframe in LONGER_INTRADAY:
        source = "1m"
    held = next(iter(read_history(con, source, [symbol])), None) if source else None
    if held is None:
        return None
    days, (bars, actions) = _calendar(con, symbol), held
    if source == "1d":
        bars = bars[days.ordinals(bars.session) >= 0]  # as derive does
    return History(bars, actions, partial(_lengthened, definitions, timeframe, days))


def _others(
    con: duckdb.DuckDBPyConnection, symbol: str, timeframe: str, definitions: Definitions
) -> tuple[Bars, ...]:
    """Return a symbol's bars of the timeframes that the rules of this one ask of."""
    asked = asks_of(rules_for(definitions.rules, timeframe))
    return tuple(bars for name in asked for bars, _ in read_history(con, name, [symbol]))


def _lengthened(
    definitions: Definitions, timeframe: str, days: Calendar, bars: Bars, actions: Actions
) -> Bars:
    return definitions.lengthen(bars, actions, timeframe, days)


def _calendar(con: duckdb.DuckDBPyConnection, symbol: str) -> Calendar:
    found = con.execute("SELECT exchange FROM symbols WHERE symbol = ?", [symbol]).fetchone()
    assert found is not None
    return calendar(found[0])


def _of_minutes(minutes: History, cuts: Sequence[int]) -> Iterator[Finding]:
    """Yield the first thing that is wrong with longer bars made of a prefix of minutes."""
    whole = minutes.judged(len(minutes.bars))
    for count in cuts:
        finding = longer_finding(minutes.judged(count), whole, minutes.bars.closes_at[count - 1])
        if finding is not None:
            yield finding
            return
