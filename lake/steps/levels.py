"""Levels: support and resistance of every symbol and timeframe, with the events at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from lake.config import Settings
from lake.market.adjust import adjusted
from lake.market.bars import Actions, Bars
from lake.market.timeframes import TIMEFRAMES, parse_timeframe
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.reads import known_symbols, read_history
from lake.store.tables import TABLES

CHUNK = 25
"""Symbols whose levels are in memory at once and written in one commit."""

TABLES_WRITTEN = ("levels", "level_events")


def find_levels(
    settings: Settings, symbols: Sequence[str] | None = None, timeframes: Sequence[str] | None = None
) -> dict[str, Any]:
    """Bring tables levels and level_events up to date with the bars and return what changed.

    Levels are found over all history; without `timeframes` in every one that the lake has bars of.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
        BadInput: `timeframes` names one that does not exist.
    """
    lake = Lake.open(settings)
    con = connect(lake)
    frames = [parse_timeframe(name) for name in timeframes or _timeframes(con)]
    names = known_symbols(con, symbols)
    counts = {"symbols": len(names), "timeframes": len(frames), "written": 0, "replaced": 0}
    if not frames:
        return counts
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        rows = list(_rows(con, frames, chunk))
        for index, table in enumerate(TABLES_WRITTEN):
            merged = pa.concat_tables([TABLES[table].schema.empty_table(), *(each[index] for each in rows)])
            change = lake.replace(table, merged, {"timeframe": frames, "symbol": chunk})
            counts["written"] += change.inserted
            counts["replaced"] += change.closed
    return counts


def _timeframes(con: duckdb.DuckDBPyConnection) -> list[str]:
    found = {row[0] for row in con.execute("SELECT DISTINCT timeframe FROM bars").fetchall()}
    return [name for name in TIMEFRAMES if name in found]


def _rows(
    con: duckdb.DuckDBPyConnection, timeframes: Sequence[str], symbols: Sequence[str]
) -> Iterator[tuple[pa.Table, pa.Table]]:
    for timeframe in timeframes:
        for bars, actions in read_history(con, timeframe, symbols):
            yield level_tables(bars, actions)


def level_tables(bars: Bars, actions: Actions) -> tuple[pa.Table, pa.Table]:
    """Return one symbol's rows of tables levels and level_events, from its bars as traded."""
    from lake.features.kernel import compute
    from lake.levels.batch import find
    from lake.levels.rows import event_rows, level_rows

    split_basis = adjusted(bars, actions, "split")
    found = find(split_basis, compute(split_basis, ["atr_14"])["atr_14"])
    return (
        level_rows(found, bars.symbol, bars.timeframe),
        event_rows(found, bars.symbol, bars.timeframe),
    )
