"""Where every symbol stands: its best timeframe, and buy, hold or sell, now or as of a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import isfinite
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from lake.config import Settings
from lake.features.standing import COLUMNS, TIMEFRAMES, Standing, best_timeframe, stance, standing
from lake.market.adjust import adjusted
from lake.market.bars import Bars
from lake.store.catalog import connect
from lake.store.lake import Change, Lake
from lake.store.reads import known_symbols, read_history
from lake.store.tables import TABLES

CHUNK = 200
"""Symbols whose bars are read at once."""


def find_states(
    settings: Settings, symbols: Sequence[str] | None = None, as_of: datetime | None = None
) -> pa.Table:
    """Return where symbols stand by the bars known now or at `as_of`, one row a symbol, and write nothing.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
    """
    con = connect(Lake.open(settings), as_of)
    return state_rows(con, known_symbols(con, symbols))


def keep_states(lake: Lake, con: duckdb.DuckDBPyConnection, symbols: Sequence[str]) -> Change:
    """Bring table symbol_states up to date for some symbols and return what changed."""
    return lake.replace("symbol_states", state_rows(con, symbols), {"symbol": list(symbols)})


def state_rows(con: duckdb.DuckDBPyConnection, symbols: Sequence[str]) -> pa.Table:
    """Return one row of table symbol_states for each symbol, in the order of names."""
    rows = [
        row for start in range(0, len(symbols), CHUNK) for row in _rows(con, symbols[start : start + CHUNK])
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["symbol_states"].schema)


def _rows(con: duckdb.DuckDBPyConnection, symbols: Sequence[str]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Standing]] = {name: {} for name in symbols}
    last: dict[str, dict[str, Any]] = {}
    for timeframe in TIMEFRAMES:
        for bars, actions in read_history(con, timeframe, symbols):
            complete = adjusted(bars, actions, "split")[bars.is_complete]
            if (at := _standing(complete)) is not None:
                found[bars.symbol][timeframe] = at
                if timeframe == "1d":
                    last[bars.symbol] = _last(bars)
    return [_row(symbol, found[symbol], last.get(symbol, {})) for symbol in sorted(symbols)]


def _standing(bars: Bars) -> Standing | None:
    from lake.features.kernel import compute

    columns = compute(bars, COLUMNS)
    return standing(bars.close, *(columns[name] for name in COLUMNS))


def _last(bars: Bars) -> dict[str, Any]:
    """Return what the row says of the last complete daily bar, its close as traded."""
    complete = bars[bars.is_complete]
    return {
        "session": complete.session[-1].item(),
        "closes_at": complete.closes_at[-1].item(),
        "close": float(complete.close[-1]),
    }


def _row(symbol: str, standings: dict[str, Standing], last: dict[str, Any]) -> dict[str, Any]:
    best = best_timeframe(standings)
    return {
        "symbol": symbol,
        "session": last.get("session"),
        "closes_at": last.get("closes_at"),
        "close": last.get("close"),
        "state": stance(standings),
        "best_timeframe": best,
        "shortfall": standings[best].shortfall if best else None,
        "standings": orjson.dumps({name: _known(each) for name, each in standings.items()}).decode(),
    }


def _known(at: Standing) -> dict[str, float]:
    values = {name: getattr(at, name) for name in ("close", *COLUMNS, "shortfall")}
    return {name: value for name, value in values.items() if isfinite(value)}
