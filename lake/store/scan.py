"""Delta tables as DuckDB relations: the Parquet files of one table version, no extension needed."""

from __future__ import annotations

from collections.abc import Container, Iterable

import duckdb
from deltalake import DeltaTable

from lake.store.extent import Extent, literals
from lake.store.files import is_remote, local_path
from lake.store.tables.spec import TableSpec

_TYPES = {
    "string": "VARCHAR",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
    "date32[day]": "DATE",
    "binary": "BLOB",
    "double": "DOUBLE",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
}


def scan(
    con: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    table: DeltaTable,
    extent: Extent | None = None,
    chosen: str | None = None,
) -> str:
    """Return a query for the declared columns of a table version: of all rows, or at least those of `extent`.

    The query names files, so it goes on answering for this version while others are committed. `chosen` is
    SQL for a list of some of them that are read instead; where that is null, all are.
    """
    filters = extent.filters() if extent else []
    uris = table.file_uris(file_pruning_predicate=filters or None)
    held = {field.name for field in table.schema().fields}
    if not uris:  # registering an empty Arrow table would import pandas, a second of start-up
        return f"SELECT {', '.join(_nothing(spec))} WHERE false"
    if is_remote(table):
        con.register(f"_remote_{spec.name}", table.to_pyarrow_dataset())
        return f"SELECT {', '.join(_columns(spec, held))} FROM _remote_{spec.name}"
    files = _listed(local_path(table, uri) for uri in uris)
    if chosen:
        files = f"coalesce({chosen}, {files})"
    return f"SELECT {', '.join(_columns(spec, held))} FROM read_parquet({files}{_hive_options(spec)})"


def _listed(paths: Iterable[str]) -> str:
    """Return files as SQL, in an order in which years come one after the other."""
    return f"[{literals(sorted(paths))}]"


def _columns(spec: TableSpec, held: Container[str]) -> list[str]:
    """Return the declared columns as SQL; one that the table was made without is empty."""
    return [
        field.name if field.name in held else f"NULL::{_TYPES[str(field.type)]} AS {field.name}"
        for field in spec.schema
    ]


def _nothing(spec: TableSpec) -> list[str]:
    return _columns(spec, ())


def _hive_options(spec: TableSpec) -> str:
    if not spec.partition_by:
        return ""
    types = ", ".join(f"'{name}': {_TYPES[str(spec.schema.field(name).type)]}" for name in spec.partition_by)
    return f", hive_partitioning = true, hive_types = {{{types}}}"
