"""Keys that a source delivered once and does not deliver any more."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from lake.store.tables.spec import TableSpec


def vanished_keys(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, delivered: pa.Table, source: str
) -> pa.Table:
    """Return the keys and partitions of `source`'s current rows that `delivered` lacks.

    Only symbols and timeframes that `delivered` has rows of are looked at.
    """
    con.register("delivered", delivered)
    columns = ", ".join(f"t.{name}" for name in (*spec.key, *spec.partition_by))
    same = " AND ".join(f"d.{name} = t.{name}" for name in spec.key)
    return con.execute(
        f"""
        SELECT {columns} FROM lake.{spec.name} AS t
        SEMI JOIN delivered AS d ON d.symbol = t.symbol AND d.timeframe = t.timeframe
        WHERE t.superseded_at IS NULL AND t.source = ?
          AND NOT EXISTS (SELECT 1 FROM delivered AS d WHERE {same})
        """,
        [source],
    ).to_arrow_table()
