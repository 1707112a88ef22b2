"""What of a batch is news, and in which order: versions of one key follow their order of arrival."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lake.store.duck import open_duckdb
from lake.store.extent import extent_of
from lake.store.merge import changes
from lake.store.scan import scan
from lake.store.tables.spec import TableSpec


def news(
    spec: TableSpec, rows: pa.Table, table: DeltaTable, ranks: Mapping[str, int] | None
) -> list[pa.Table]:
    """Return what `rows` may change, as batches in which every key is unique, first versions first.

    A key whose last version changes nothing of what the table says is left out. That spares the merge
    of an identical re-run, and keeps a batch with two versions of a key from closing and
    reopening its own rows when it is loaded again.
    """
    if not rows.num_rows:
        return []
    key = ", ".join(spec.key)
    same = " AND ".join(f"t.{name} = s.{name}" for name in spec.key)
    names = (*spec.key, *spec.compared, *(["source"] if ranks is not None else []))
    compared = ", ".join(f"t.{name}" for name in names)
    con = open_duckdb()
    con.register("batch", rows.append_column("_arrival", pa.array(range(rows.num_rows), pa.int64())))
    found = con.execute(
        f"""
        WITH numbered AS (
            SELECT *, row_number() OVER versions AS _version, count(*) OVER (PARTITION BY {key}) AS _versions
            FROM batch WINDOW versions AS (PARTITION BY {key} ORDER BY _arrival)
        ),
        current AS (
            SELECT {compared} FROM ({scan(con, spec, table, extent_of(spec, rows))}) AS t
            WHERE t.superseded_at IS NULL
        ),
        settled AS (
            SELECT {", ".join(f"s.{name}" for name in spec.key)}
            FROM numbered AS s JOIN current AS t ON {same}
            WHERE s._version = s._versions AND NOT {changes(spec, ranks)}
        )
        SELECT * FROM numbered ANTI JOIN settled USING ({key}) ORDER BY _version, {key}
        """
    ).to_arrow_table()
    return [
        found.filter(pc.equal(found["_version"], number)).select(rows.column_names)
        for number in sorted(pc.unique(found["_version"]).to_pylist())
    ]
