"""Enrich: every registered column of every complete bar, on the split basis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lake.config import Settings
from lake.errors import BadInput, StoreUnavailable
from lake.features.indicator import SPARSE
from lake.market.adjust import adjusted
from lake.market.bars import Actions, Bars
from lake.market.timeframes import parse_timeframe
from lake.store.catalog import connect
from lake.store.extent import Between
from lake.store.lake import Lake
from lake.store.reads import CHUNK, known_symbols, read_history
from lake.store.tables import TABLES
from lake.universe import read_universe


def enrich_features(
    settings: Settings,
    symbols: Sequence[str] | None = None,
    timeframes: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
) -> dict[str, Any]:
    """Bring table features up to date with the bars and return what changed.

    Columns are computed over all history; `start` and `end` only limit which rows are written.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
        BadInput: `timeframes` names one that does not exist, or the dates are reversed.
    """
    lake = Lake.open(settings)
    con = connect(lake)
    between, names = _between(start, end), _timeframes(settings, timeframes)
    written = replaced = 0
    for chunk, rows in _chunks(con, names, symbols):
        change = lake.replace("features", rows, {"timeframe": names, "symbol": chunk}, between)
        written, replaced = written + change.inserted, replaced + change.closed
    return {"timeframes": len(names), "written": written, "replaced": replaced}


def enrich_to_file(
    settings: Settings,
    out: Path,
    symbols: Sequence[str] | None = None,
    timeframes: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    as_of: datetime | None = None,
) -> dict[str, Any]:
    """Write the columns, computed from the bars and actions known at `as_of`, to one Parquet file.

    Raises:
        StoreUnavailable: the file cannot be written.
    """
    con = connect(Lake.open(settings), as_of)
    between = _between(start, end)
    schema, rows_written = TABLES["features"].schema, 0
    temporary = out.with_name(f".{out.name}")
    try:
        with pq.ParquetWriter(temporary, schema) as writer:
            for _, rows in _chunks(con, _timeframes(settings, timeframes), symbols):
                chosen = between.rows_of(rows) if between else rows
                writer.write_table(chosen)
                rows_written += chosen.num_rows
        temporary.replace(out)
    except OSError as error:
        raise StoreUnavailable(f"expected to write {out}, found: {error}; choose another --out") from error
    return {"out": str(out), "written": rows_written}


def _timeframes(settings: Settings, names: Sequence[str] | None) -> list[str]:
    chosen = names or ("1d", *read_universe(settings.conf_folder).longer_timeframes)
    return [parse_timeframe(name) for name in chosen]


def _between(start: date | None, end: date | None) -> Between | None:
    if start and end and start > end:
        raise BadInput(f"expected dates in order, found --from {start} after --to {end}; swap them")
    return Between("ts", start, end) if start or end else None


def _chunks(
    con: duckdb.DuckDBPyConnection, timeframes: Sequence[str], symbols: Sequence[str] | None
) -> Iterator[tuple[list[str], pa.Table]]:
    """Yield the feature rows of all timeframes, some symbols at a time."""
    empty = TABLES["features"].schema.empty_table()
    names = known_symbols(con, symbols)
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        histories = chain.from_iterable(read_history(con, timeframe, chunk) for timeframe in timeframes)
        yield chunk, pa.concat_tables([empty, *(feature_rows(bars, actions) for bars, actions in histories)])


def feature_rows(bars: Bars, actions: Actions) -> pa.Table:
    """Return one symbol's rows of table features, from its bars as traded."""
    from lake.features.kernel import compute

    complete = adjusted(bars, actions, "split")[bars.is_complete]
    schema = TABLES["features"].schema
    columns: dict[str, Any] = {
        "symbol": pa.repeat(bars.symbol, len(complete)),
        "timeframe": pa.repeat(bars.timeframe, len(complete)),
        "ts": complete.ts,
        "closes_at": complete.closes_at,
        **compute(complete),
    }
    arrays = {name: _stored(columns[name]) for name in schema.names}
    return pa.table({name: array.cast(schema.field(name).type) for name, array in arrays.items()})


def _stored(column: Any) -> pa.Array:
    """Return a column as the lake has it: null while it warms up, and where a sparse one has nothing.

    Averages and sorts pass over null.
    """
    is_sparse = isinstance(column, np.ndarray) and column.dtype in SPARSE
    return pa.array(column, mask=column == 0) if is_sparse else pa.array(column, from_pandas=True)
