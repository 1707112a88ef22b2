"""Enrich: every registered column of every complete bar, on the split basis.

What is stored and still right is not touched. A series whose bars or splits moved is computed from its
first bar on, so that its rows are those of a full run to the last bit, and written from the first row
that is out of date on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lake.config import Settings
from lake.errors import BadInput, StoreUnavailable
from lake.market.bars import Actions, Bars
from lake.market.timeframes import parse_timeframe
from lake.steps.feature_files import batches, within, write_between, write_features
from lake.steps.feature_rows import Work, feature_rows
from lake.steps.pending import find_pending
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.reads import known_symbols, read_history
from lake.store.rewrite import ALWAYS, Span
from lake.store.tables import TABLES
from lake.universe import read_universe


def enrich_features(
    settings: Settings,
    symbols: Sequence[str] | None = None,
    timeframes: Sequence[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    full: bool = False,
) -> dict[str, Any]:
    """Bring table features up to date with the bars and return what changed.

    Columns are computed over all history; `start` and `end` only limit which rows are written. With
    `full` all series are computed and written anew, whatever is stored.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
        BadInput: `timeframes` names one that does not exist, or the dates are reversed.
    """
    lake = Lake.open(settings)
    span, names = _span(start, end), _timeframes(settings, timeframes)

    def attempt() -> dict[str, Any]:
        lake.reshape("features")
        con = connect(lake)
        pending = find_pending(con, names, known_symbols(con, symbols), full)
        counts = {"timeframes": len(names)}
        if span == ALWAYS:
            return counts | write_features(lake, con, pending)
        return counts | write_between(lake, con, pending, span)

    return lake.transact("features", attempt)


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
    span, names = _span(start, end), _timeframes(settings, timeframes)
    schema, rows_written = pa.schema([each for each in TABLES["features"].schema if each.name != "inputs"]), 0
    temporary = out.with_name(f".{out.name}")
    try:
        with pq.ParquetWriter(temporary, schema) as writer:
            for bars, actions in _histories(con, names, known_symbols(con, symbols), settings.lake_chunk):
                rows = within(feature_rows([Work(bars, actions)]).select(schema.names).cast(schema), span)
                writer.write_table(rows)
                rows_written += rows.num_rows
        temporary.replace(out)
    except OSError as error:
        raise StoreUnavailable(f"expected to write {out}, found: {error}; choose another --out") from error
    return {"out": str(out), "written": rows_written}


def _timeframes(settings: Settings, names: Sequence[str] | None) -> list[str]:
    chosen = names or read_universe(settings.conf_folder).daily_and_longer
    return list(dict.fromkeys(parse_timeframe(name) for name in chosen))


def _span(start: date | None, end: date | None) -> Span:
    if start and end and start > end:
        raise BadInput(f"expected dates in order, found --from {start} after --to {end}; swap them")
    first, until = ALWAYS
    return (
        np.datetime64(start, "us") if start else first,
        np.datetime64(end, "us") + np.timedelta64(1, "D") if end else until,
    )


def _histories(
    con: duckdb.DuckDBPyConnection, timeframes: Sequence[str], symbols: Sequence[str], chunk: int
) -> Iterator[tuple[Bars, Actions]]:
    """Yield the histories of all timeframes, some symbols at a time."""
    for names in batches(symbols, chunk):
        for timeframe in timeframes:
            yield from read_history(con, timeframe, names)
