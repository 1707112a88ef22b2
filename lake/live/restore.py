"""Rebuilding the live state from the candles that were landed: the lake is the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb

from lake.live.history import History
from lake.live.market import LiveMarket
from lake.live.suspicion import WINDOW
from lake.market.aggregate import LONGER_INTRADAY
from lake.market.bars import Actions, Bars
from lake.market.timeframes import INTRADAY_MINUTES
from lake.rules.elsewhere import asks_of
from lake.rules.language import Rule, rules_for
from lake.store.reads import known_symbols, read_actions, read_history
from lake.thresholds import Thresholds

LongerBars = dict[str, tuple[tuple[Bars, ...], Actions]]
"""Daily and longer bars of symbols as traded, with their actions."""

LAST_BARS = WINDOW + 24 * 60
"""Delivered bars of a timeframe that are read: the last session's, and what suspicion looks back to."""


def restored_market(
    con: duckdb.DuckDBPyConnection,
    rules: Mapping[str, Rule],
    limits: Thresholds,
    now: datetime,
    symbols: Sequence[str] | None = None,
) -> LiveMarket:
    """Return the market of the lake's symbols, or of some, as their landed candles left it.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
    """
    names = known_symbols(con, symbols)
    exchanges = dict(con.execute("SELECT symbol, exchange FROM symbols").fetchall())
    return LiveMarket.restored(
        rules, {name: exchanges[name] for name in names}, limits, histories_of(con, rules, names), now
    )


def histories_of(
    con: duckdb.DuckDBPyConnection, rules: Mapping[str, Rule], names: Sequence[str]
) -> dict[str, History]:
    """Return what the lake has of symbols that it knows, as their live state is rebuilt from it."""
    if not names:
        return {}
    actions = dict.fromkeys(names, Actions.none()) | read_actions(con, names)
    longer, asked = longer_bars(con, rules, names), asks_of(live_rules(rules))
    found: dict[str, dict[str, Any]] = {
        name: {
            "delivered": [],
            "bars": {},
            "longer": longer.get(name, ((), None))[0],
            "actions": actions[name],
        }
        for name in names
    }
    for minutes, _ in read_history(con, "1m", names, LAST_BARS):
        found[minutes.symbol]["minutes"] = minutes
    for timeframe in LONGER_INTRADAY:
        for bars, _ in read_history(con, timeframe, names, LAST_BARS, delivered=True):
            found[bars.symbol]["delivered"].append(bars)
    for timeframe in INTRADAY_MINUTES:
        is_followed = timeframe in asked or rules_for(rules, timeframe)
        for bars, _ in read_history(con, timeframe, names) if is_followed else ():
            found[bars.symbol]["bars"][timeframe] = bars
    return {name: History(**parts) for name, parts in found.items()}


def longer_bars(
    con: duckdb.DuckDBPyConnection, rules: Mapping[str, Rule], names: Sequence[str]
) -> LongerBars:
    """Return the symbols' daily and longer bars that live rules ask, with their actions."""
    found: LongerBars = {}
    for timeframe in _longer_asked(rules) if names else ():
        for bars, actions in read_history(con, timeframe, names):
            before, _ = found.get(bars.symbol, ((), actions))
            found[bars.symbol] = ((*before, bars), actions)
    return found


def asks_longer(rules: Mapping[str, Rule]) -> bool:
    """Return whether a live rule asks daily or longer bars."""
    return bool(_longer_asked(rules))


def _longer_asked(rules: Mapping[str, Rule]) -> list[str]:
    return [name for name in asks_of(live_rules(rules)) if name not in INTRADAY_MINUTES]


def live_rules(rules: Mapping[str, Rule]) -> list[Rule]:
    """Return the rules that are for intraday bars."""
    return [rule for rule in rules.values() if INTRADAY_MINUTES.keys() & set(rule.timeframes)]
