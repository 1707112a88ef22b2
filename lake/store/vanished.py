"""Keys that a source delivered once and does not deliver any more."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from lake.store.tables.spec import TableSpec


def vanished_keys(
    con: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    delivered: pa.Table,
    source: str,
    is_from_first: bool = False,
) -> pa.Table:
    """Return the keys and partitions of `source`'s current rows that `delivered` lacks.

    Only symbols and timeframes that `delivered` has rows of are looked at, and only from the first
    of these rows on if `is_from_first`.
    """
    con.register("delivered", delivered)
    columns = ", ".join(f"t.{name}" for name in (*spec.key, *spec.partition_by))
    of_series = "d.symbol = t.symbol AND d.timeframe = t.timeframe"
    first = f"AND t.ts >= (SELECT min(ts) FROM delivered AS d WHERE {of_series})" if is_from_first else ""
    same = " AND ".join(f"d.{name} = t.{name}" for name in spec.key)
    return con.execute(
        f"""
        SELECT {columns} FROM lake.{spec.name} AS t
        SEMI JOIN delivered AS d ON {of_series}
        WHERE t.superseded_at IS NULL AND t.source = ?
          AND NOT EXISTS (SELECT 1 FROM delivered AS d WHERE {same}) {first}
        """,
        [source],
    ).to_arrow_table()
