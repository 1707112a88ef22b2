"""States of series in the lake: read where they belong to the lake's bars, written once a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import duckdb
import numpy as np
import orjson
import pyarrow as pa

from lake.live.carried import Carried, state_version
from lake.live.needs import Needs
from lake.market.bars import Actions, Bars
from lake.store.lake import Lake
from lake.store.tables import TABLES

_COUNTED = """
SELECT c.symbol, count(*) AS versions, max(greatest(c.known_at, c.superseded_at)) AS newest
FROM lake.candles AS c
JOIN ({ends}) AS e ON e.symbol = c.symbol AND c.session <= e.session
WHERE c.timeframe = ?
GROUP BY ALL
"""
_VALID = f"""
WITH ours AS (
    SELECT * FROM lake.live_states
    WHERE timeframe = ? AND symbol IN (SELECT unnest(?)) AND code = ? AND window_bars >= ?
),
counted AS ({_COUNTED.format(ends="SELECT symbol, session FROM ours")})
SELECT o.symbol, o.session, o.window_from, o.splits, o.state
FROM ours AS o
JOIN counted AS n ON n.symbol = o.symbol AND n.versions = o.versions AND n.newest = o.newest
"""
_ENDS = "SELECT unnest(?) AS symbol, unnest(?)::DATE AS session"


class Stored(NamedTuple):
    """A stored state, and from where on bars are needed besides; it counts only with the same splits."""

    carried: Carried
    since: datetime
    splits: str

    def fits(self, bars: Bars, actions: Actions) -> bool:
        """Return whether a state goes with bars from `since` on: no split is news, and the bars reach it."""
        day = np.datetime64(self.carried.session, "D")
        known = actions.up_to(max(day, bars.session[-1]))
        return splits_of(known) == self.splits and bool((bars.session == day).any())


def splits_of(actions: Actions) -> str:
    """Return splits as text that compares."""
    dates = actions.split_dates.astype("datetime64[D]").astype(str).tolist()
    return orjson.dumps(list(zip(dates, actions.split_ratios.tolist(), strict=True))).decode()


def stored_states(
    con: duckdb.DuckDBPyConnection, timeframe: str, names: Sequence[str], needs: Needs
) -> dict[str, Stored]:
    """Return the states of a timeframe that belong to the bars the lake has now, by symbol."""
    rows = con.execute(
        _VALID, [timeframe, list(names), state_version(), needs.bars, timeframe]
    ).to_arrow_table()
    found = {}
    for row in rows.to_pylist():
        carried = Carried.of_text(row["state"], needs)
        if carried is not None:
            found[row["symbol"]] = Stored(carried, row["window_from"], row["splits"])
    return found


class State(NamedTuple):
    """A state to be stored, and the bars of its series that it was made with."""

    symbol: str
    timeframe: str
    carried: Carried
    bars: Bars
    actions: Actions

    @property
    def bars_before(self) -> int:
        """Return how many of its bars it is the state after."""
        return int((self.bars.session <= np.datetime64(self.carried.session, "D")).sum())


def state_rows(
    con: duckdb.DuckDBPyConnection, states: Sequence[State], needs: Mapping[str, Needs]
) -> pa.Table:
    """Return states as rows of their table; `con` is what their bars were read from."""
    rows: list[dict[str, Any]] = []
    for timeframe in sorted({state.timeframe for state in states}):
        own = [state for state in states if state.timeframe == timeframe]
        counted = _counted(con, timeframe, own)
        rows += [_row(state, needs[timeframe], *counted[state.symbol]) for state in own]
    return pa.Table.from_pylist(rows, schema=TABLES["live_states"].schema)


def _counted(
    con: duckdb.DuckDBPyConnection, timeframe: str, states: Sequence[State]
) -> dict[str, tuple[int, datetime]]:
    ends = [state.symbol for state in states], [_date(state.carried.session) for state in states]
    rows = con.execute(_COUNTED.format(ends=_ENDS), [*ends, timeframe]).fetchall()
    return {symbol: (versions, newest) for symbol, versions, newest in rows}


def _row(state: State, needs: Needs, versions: int, newest: datetime) -> dict[str, Any]:
    """Return the row of a state; the window is what is needed, and what is there besides is left out."""
    day = np.datetime64(state.carried.session, "D")
    first = state.bars_before - needs.bars
    return {
        "symbol": state.symbol,
        "timeframe": state.timeframe,
        "session": _date(state.carried.session),
        "window_from": state.bars.ts[first].item().replace(tzinfo=UTC),
        "window_bars": needs.bars,
        "versions": versions,
        "newest": newest,
        "splits": splits_of(state.actions.up_to(day)),
        "code": state_version(),
        "state": state.carried.text(),
    }


def store_states(lake: Lake, rows: pa.Table) -> None:
    """Write states over those of the same series."""
    for timeframe in sorted(set(rows["timeframe"].to_pylist())):
        own = rows.filter(pa.compute.equal(rows["timeframe"], timeframe))
        lake.replace(
            "live_states", own, {"timeframe": [timeframe], "symbol": sorted(own["symbol"].to_pylist())}
        )


def _date(day: int) -> date:
    found: date = np.datetime64(day, "D").item()
    return found
