"""Rebuilding the live state from the candles that were landed: the lake is the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import duckdb

from lake.alerts.alert import Alert, alert_of_row
from lake.live.carried import Carried
from lake.live.history import History
from lake.live.market import LiveMarket
from lake.live.needs import Needs, needs_of
from lake.live.states import State, state_rows, store_states, stored_states
from lake.live.suspicion import WINDOW
from lake.market.aggregate import LONGER_INTRADAY
from lake.market.bars import Actions, Bars
from lake.market.timeframes import INTRADAY_MINUTES
from lake.rules.elsewhere import asks_of
from lake.rules.language import Rule, rules_for
from lake.store.catalog import connect
from lake.store.lake import Lake
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
    minutes = {bars.symbol: bars for bars, _ in read_history(con, "1m", names, LAST_BARS)}
    delivered: dict[str, list[Bars]] = {}
    for timeframe in LONGER_INTRADAY:
        for bars, _ in read_history(con, timeframe, names, LAST_BARS, delivered=True):
            delivered.setdefault(bars.symbol, []).append(bars)
    return {
        name: replace(
            history,
            minutes=minutes.get(name, history.minutes),
            delivered=tuple(delivered.get(name, ())),
        )
        for name, history in _without_minutes(con, rules, names).items()
    }


def _without_minutes(
    con: duckdb.DuckDBPyConnection, rules: Mapping[str, Rule], names: Sequence[str]
) -> dict[str, History]:
    """Return what the lake has of the series that rules see."""
    actions = dict.fromkeys(names, Actions.none()) | read_actions(con, names)
    provisional = _provisional(con, names) if any(each.is_provisional for each in rules.values()) else {}
    longer, asked = longer_bars(con, rules, names), asks_of(live_rules(rules))
    found: dict[str, dict[str, Any]] = {
        name: {
            "bars": {},
            "carried": {},
            "longer": longer.get(name, ((), None))[0],
            "provisional": provisional.get(name, ()),
            "actions": actions[name],
        }
        for name in names
    }
    for timeframe in INTRADAY_MINUTES:
        own = rules_for(rules, timeframe)
        if own or timeframe in asked:
            for bars, carried in _series(con, timeframe, names, needs_of(own), timeframe in asked):
                found[bars.symbol]["bars"][timeframe] = bars
                if carried is not None:
                    found[bars.symbol]["carried"][timeframe] = carried
    return {name: History(**parts) for name, parts in found.items()}


def _provisional(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, tuple[Alert, ...]]:
    """Return the alerts of bars that were forming, by symbol."""
    rows = con.execute(
        "SELECT * EXCLUDE (superseded_at) FROM lake.alerts WHERE superseded_at IS NULL "
        "AND status = 'provisional' AND symbol IN (SELECT unnest(?)) ORDER BY symbol, ts, alert_id",
        [list(names)],
    ).to_arrow_table()
    found: dict[str, tuple[Alert, ...]] = {}
    for alert in map(alert_of_row, rows.to_pylist()):
        found[alert.symbol] = (*found.get(alert.symbol, ()), alert)
    return found


def _series(
    con: duckdb.DuckDBPyConnection, timeframe: str, names: Sequence[str], needs: Needs, is_asked: bool
) -> Iterator[tuple[Bars, Carried | None]]:
    """Yield each symbol's last bars with what it carries from before, or else all its bars.

    These are all bars of a timeframe too that rules of others ask: what they ask is found in its history.
    """
    stored = stored_states(con, timeframe, names, needs)
    known: set[str] = set()
    if stored and not is_asked:
        since = {symbol: state.since for symbol, state in stored.items()}
        for bars, actions in read_history(con, timeframe, since=since):
            if stored[bars.symbol].fits(bars, actions):
                known.add(bars.symbol)
                yield bars, stored[bars.symbol].carried
    if others := [name for name in names if name not in known]:
        for bars, actions in read_history(con, timeframe, others):
            state = stored.get(bars.symbol) if is_asked else None
            yield bars, state.carried if state is not None and state.fits(bars, actions) else None


def save_states(
    lake: Lake,
    con: duckdb.DuckDBPyConnection,
    rules: Mapping[str, Rule],
    market: LiveMarket,
    histories: Mapping[str, History],
) -> int:
    """Store what the series of a market carry into their current session, and return how many that were.

    The market is as `histories` left it, and these were read by `con`: so a state belongs to exactly the
    bars that the lake had. Series whose state is stored as of that session are left out, and those with
    fewer bars than they settle on: these are read whole.
    """
    needs = {timeframe: needs_of(rules_for(rules, timeframe)) for timeframe in INTRADAY_MINUTES}
    states = [
        state
        for symbol, history in histories.items()
        for timeframe, carried in market.carried(symbol).items()
        if timeframe not in history.carried or history.carried[timeframe].session < carried.session
        if (state := State(symbol, timeframe, carried, history.bars[timeframe], history.actions)).bars_before
        >= needs[timeframe].bars
    ]
    if states:
        store_states(lake, state_rows(con, states, needs))
    return len(states)


def bring_states_forward(
    lake: Lake, rules: Mapping[str, Rule], exchanges: Mapping[str, str], limits: Thresholds, now: datetime
) -> int:
    """Store what symbols' series carry into their last session in the lake; return how many were news."""
    with connect(lake) as con:
        histories = _without_minutes(con, rules, list(exchanges))
        market = LiveMarket.restored(rules, exchanges, limits, histories, now)
        return save_states(lake, con, rules, market, histories)


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
