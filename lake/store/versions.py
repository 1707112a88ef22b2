"""Several versions of one key in one batch: merged one after the other, in their order of arrival."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lake.store.duck import open_duckdb
from lake.store.merge import differs
from lake.store.tables.spec import TableSpec


def rounds(spec: TableSpec, rows: pa.Table, table: DeltaTable) -> list[pa.Table]:
    """Return `rows` as batches in which every key is unique, first versions first.

    A key whose last version is what the table already says is left out: otherwise the same
    batch, loaded again, would close and reopen its own rows.
    """
    if not rows.num_rows:
        return []
    key = ", ".join(spec.key)
    con = open_duckdb()
    con.execute("SET preserve_insertion_order = true")
    con.register("batch", rows.append_column("_arrival", pa.array(range(rows.num_rows), pa.int64())))
    numbered = con.execute(
        f"""
        SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY _arrival) AS _version,
               count(*) OVER (PARTITION BY {key}) AS _versions
        FROM batch ORDER BY {key}, _arrival
        """
    ).to_arrow_table()
    return _split(con, spec, rows.column_names, numbered, table)


def _split(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, names: list[str], numbered: pa.Table, table: DeltaTable
) -> list[pa.Table]:
    con.register("numbered", numbered)
    count = con.execute("SELECT max(_version) FROM numbered").fetchone()
    assert count is not None
    if count[0] == 1:
        return [numbered.select(names)]
    con.register("stored", table.to_pyarrow_dataset())
    same = " AND ".join(f"t.{name} = s.{name}" for name in spec.key)
    con.execute(
        f"""
        CREATE TEMP TABLE settled AS
        SELECT {", ".join(f"s.{name}" for name in spec.key)}
        FROM numbered AS s JOIN stored AS t ON {same} AND t.superseded_at IS NULL
        WHERE s._versions > 1 AND s._version = s._versions AND NOT {differs(spec)}
        """
    )
    batches = [
        con.execute(
            f"""
            SELECT {", ".join(f"s.{name}" for name in names)} FROM numbered AS s
            WHERE s._version = ? AND NOT EXISTS (SELECT 1 FROM settled AS t WHERE {same})
            ORDER BY {", ".join(spec.key)}
            """,
            [number],
        ).to_arrow_table()
        for number in range(1, count[0] + 1)
    ]
    return [batch for batch in batches if batch.num_rows]
