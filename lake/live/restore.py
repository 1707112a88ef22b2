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
from lake.market.bars import Actions
from lake.market.timeframes import INTRADAY_MINUTES
from lake.rules.language import Rule, rules_for
from lake.store.reads import known_symbols, read_actions, read_history
from lake.thresholds import Thresholds

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
    actions = read_actions(con, names)
    found: dict[str, dict[str, Any]] = {
        name: {"delivered": [], "bars": {}, "actions": actions.get(name, Actions.none())} for name in names
    }
    for minutes, _ in read_history(con, "1m", names, LAST_BARS):
        found[minutes.symbol]["minutes"] = minutes
    for timeframe in LONGER_INTRADAY:
        for bars, _ in read_history(con, timeframe, names, LAST_BARS, delivered=True):
            found[bars.symbol]["delivered"].append(bars)
    for timeframe in INTRADAY_MINUTES:
        for bars, _ in read_history(con, timeframe, names) if rules_for(rules, timeframe) else ():
            found[bars.symbol]["bars"][timeframe] = bars
    return {name: History(**parts) for name, parts in found.items()}
