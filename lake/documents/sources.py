"""What each collection holds: rows of the lake's views with their document ids, by partition.

A partition is what is compared, opened and closed at once: a year of one symbol's bars (a month
of intraday ones), the runs whose ids begin alike, a slice of a training set.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from lake.documents import alerts
from lake.market.timeframes import INTRADAY_MINUTES
from lake.training.folder import TrainingFolder
from lake.training.splits import SPLITS

Partitions = Iterator[tuple[str, pa.Table]]

SYMBOLS_AT_ONCE = 20
"""Symbols whose bars of all timeframes are in memory together."""

ROWS_AT_ONCE = 5_000
"""Rows of a training set in one partition."""

ALL = "all"
"""The only partition of a small collection."""

_TS = "strftime(ts, '%Y-%m-%dT%H:%M:%SZ')"


@dataclass(frozen=True, slots=True)
class Source:
    """A collection, its rows by partition, and which of its columns hold JSON."""

    collection: str
    partitions: Callable[[], Partitions]
    nested: Collection[str] = ()


def sources(con: duckdb.DuckDBPyConnection, training: TrainingFolder) -> list[Source]:
    """Return every collection that is published."""
    return [
        Source("symbols", lambda: _small(con, "SELECT symbol AS _id, * FROM symbols")),
        Source(
            "symbol_states",
            lambda: _small(con, "SELECT symbol AS _id, * FROM symbol_states"),
            nested=("standings",),
        ),
        Source("features", lambda: _features(con)),
        Source(alerts.COLLECTION, lambda: _alerts(con), nested=alerts.NESTED),
        Source("sandbox_runs", lambda: _by_run(con, "sandbox_runs", "run_id")),
        Source(
            "sandbox_trades",
            lambda: _by_run(
                con,
                "sandbox_trades",
                "run_id || '|' || symbol || '|' || strftime(entry_ts, '%Y-%m-%dT%H:%M:%SZ')",
            ),
        ),
        Source(
            "sandbox_metrics",
            lambda: _by_run(con, "sandbox_metrics", "run_id || '|' || coalesce(symbol, '')"),
        ),
        Source(
            "training_sets",
            lambda: _small(con, "SELECT training_set_id AS _id, * FROM training_sets"),
            nested=("manifest",),
        ),
        Source("training_rows", lambda: _training_rows(con, training)),
    ]


def _small(con: duckdb.DuckDBPyConnection, query: str) -> Partitions:
    rows = con.execute(f"{query} ORDER BY _id").to_arrow_table()
    if rows.num_rows:
        yield ALL, rows


def _features(con: duckdb.DuckDBPyConnection) -> Partitions:
    """Yield bars as traded, joined with their features, some symbols at a time."""
    shared = set(_columns(con, "bars"))
    own = "".join(f', f."{name}"' for name in _columns(con, "features") if name not in shared)
    query = f"""
        SELECT b.symbol || '|' || b.timeframe || '|' || {_TS.replace("ts", "b.ts", 1)} AS _id, b.*{own},
               {_period("b")} AS _partition
        FROM (SELECT * FROM bars WHERE symbol IN (SELECT unnest($symbols))) AS b
        LEFT JOIN (SELECT * FROM features WHERE symbol IN (SELECT unnest($symbols))) AS f
          USING (symbol, timeframe, ts)
        ORDER BY _partition, b.timeframe, b.ts
    """
    names = [row[0] for row in con.execute("SELECT DISTINCT symbol FROM bars ORDER BY symbol").fetchall()]
    for start in range(0, len(names), SYMBOLS_AT_ONCE):
        chunk = names[start : start + SYMBOLS_AT_ONCE]
        yield from _partitioned(con.execute(query, {"symbols": chunk}).to_arrow_table())


def _period(view: str) -> str:
    """Return the partition of a row as SQL: a year of one symbol's bars, a month of intraday ones."""
    intraday = ", ".join(f"'{name}'" for name in INTRADAY_MINUTES)
    return (
        f"{view}.symbol || '|' || strftime({view}.ts, CASE WHEN {view}.timeframe IN ({intraday}) "
        "THEN '%Y-%m' ELSE '%Y' END)"
    )


def _alerts(con: duckdb.DuckDBPyConnection) -> Partitions:
    """Yield alerts as they stand, some symbols at a time."""
    query = f"""
        SELECT alert_id AS _id, {", ".join(alerts.COLUMNS)}, {_period("a")} AS _partition
        FROM alerts AS a WHERE symbol IN (SELECT unnest($symbols)) ORDER BY _partition, _id
    """
    names = [row[0] for row in con.execute("SELECT DISTINCT symbol FROM alerts ORDER BY symbol").fetchall()]
    for start in range(0, len(names), SYMBOLS_AT_ONCE):
        chunk = names[start : start + SYMBOLS_AT_ONCE]
        yield from _partitioned(con.execute(query, {"symbols": chunk}).to_arrow_table())


def _by_run(con: duckdb.DuckDBPyConnection, view: str, id_expression: str) -> Partitions:
    """Yield the rows of a view of sandbox results, runs whose ids begin alike together."""
    prefix = "left(run_id, 2)"
    for (part,) in con.execute(f"SELECT DISTINCT {prefix} FROM {view} ORDER BY 1").fetchall():
        query = f"SELECT {id_expression} AS _id, * FROM {view} WHERE {prefix} = ? ORDER BY _id"
        yield part, con.execute(query, [part]).to_arrow_table()


def _training_rows(con: duckdb.DuckDBPyConnection, training: TrainingFolder) -> Partitions:
    """Yield the rows of the newest training set."""
    newest = con.execute(
        "SELECT training_set_id FROM training_sets ORDER BY built_at DESC, training_set_id LIMIT 1"
    ).fetchone()
    if newest is None:
        return
    (training_set_id,) = newest
    for split in SPLITS:
        for number, group in enumerate(training.row_groups(training_set_id, split)):
            for start in range(0, group.num_rows, ROWS_AT_ONCE):
                rows = group.slice(start, ROWS_AT_ONCE)
                name = f"{training_set_id}|{split}|{number:06d}|{start:06d}"
                yield name, _with_training_ids(con, rows, training_set_id, split)


def _with_training_ids(
    con: duckdb.DuckDBPyConnection, rows: pa.Table, training_set_id: str, split: str
) -> pa.Table:
    con.register("_training_rows", rows)
    named = con.execute(
        f"""
        SELECT $id || '|' || symbol || '|' || timeframe || '|' || {_TS} AS _id,
               $id AS training_set_id, $split AS split, *
        FROM _training_rows
        """,
        {"id": training_set_id, "split": split},
    ).to_arrow_table()
    con.unregister("_training_rows")
    return named


def _partitioned(rows: pa.Table) -> Partitions:
    """Yield the runs of equal `_partition` of a sorted table, without that column."""
    if not rows.num_rows:
        return
    names: Any = rows["_partition"].combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
    rows = rows.drop_columns("_partition")
    for start, end in zip(starts, [*starts[1:], len(codes)], strict=True):
        yield names.dictionary[codes[start]].as_py(), rows.slice(start, end - start)


def _columns(con: duckdb.DuckDBPyConnection, view: str) -> list[str]:
    return [row[0] for row in con.execute(f"DESCRIBE {view}").fetchall()]
