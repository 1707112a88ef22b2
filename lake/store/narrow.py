"""Views that for a while read only those files of a table that can hold some symbols.

A query opens every file of its tables to learn what is in it, and looks at all their row groups. For a few
symbols of ten thousand that takes longer than reading their rows, so it is spared what the statistics of
the table's log already say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lake.store.files import entry_path, is_remote
from lake.store.tables.spec import TableSpec

_TABLE = """
CREATE TEMP TABLE IF NOT EXISTS symbol_files (name VARCHAR, path VARCHAR, first VARCHAR, last VARCHAR)
"""
_ENTER = "INSERT INTO symbol_files SELECT $name, unnest($path), unnest($first), unnest($last)"
_ONLY = """
SET VARIABLE {variable} = (
    SELECT list(path ORDER BY path) FROM symbol_files
    WHERE name = $name AND EXISTS (
        FROM (SELECT unnest($symbols) AS symbol)
        WHERE coalesce(symbol >= first, true) AND coalesce(symbol <= last, true)
    )
)
"""


def chosen(spec: TableSpec) -> str | None:
    """Return the SQL of the files that a table's view reads while it is narrowed; None if it never is."""
    may_have_many_files = spec.key[0] == "symbol" and spec.partition_by
    return f"getvariable('{_variable(spec.name)}')" if may_have_many_files else None


def enter_files(con: duckdb.DuckDBPyConnection, spec: TableSpec, table: DeltaTable) -> None:
    """Enter which symbols each file of a table version can hold, for `only`."""
    con.execute(_TABLE)
    if not chosen(spec) or is_remote(table):
        return
    entries = pa.table(table.get_add_actions(flatten=True))
    unknown = pa.nulls(entries.num_rows, pa.string())
    path, first, last = (
        (entries[name] if name in entries.column_names else unknown).to_pylist()
        for name in ("path", "min.symbol", "max.symbol")
    )
    paths = [entry_path(table, each) for each in path]
    con.execute(_ENTER, {"name": spec.name, "path": paths, "first": first, "last": last})


@contextmanager
def only(con: duckdb.DuckDBPyConnection, symbols: Sequence[str], *names: str) -> Iterator[None]:
    """Let the views lake.NAME read what files may hold of these symbols, and perhaps of others.

    Whoever asks for other symbols meanwhile does not find them, so it is for one query at a time.
    """
    for name in names:
        con.execute(_ONLY.format(variable=_variable(name)), {"name": name, "symbols": list(symbols)})
    try:
        yield
    finally:
        for name in names:
            con.execute(f"RESET VARIABLE {_variable(name)}")


def _variable(name: str) -> str:
    return f"{name}_files"
