"""Views that for a while read only those files of a table that can hold some symbols.

A query opens every file of its tables to learn what is in it, and looks at all their row groups. For a few
symbols of ten thousand that takes as long as reading their rows, so it is spared what the statistics of
the table's log already say.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lake.store.extent import literals
from lake.store.files import entries_of, entry_path, is_remote
from lake.store.tables.spec import TableSpec

_TABLE = """
CREATE TEMP TABLE IF NOT EXISTS symbol_files (name VARCHAR, path VARCHAR, first VARCHAR, last VARCHAR)
"""
_ENTER = "INSERT INTO symbol_files SELECT '{}', unnest([{}]), unnest([{}]), unnest([{}])"
_AFTER_ALL = chr(0x10FFFF)


def chosen(spec: TableSpec) -> str | None:
    """Return the SQL of the files that a table's view reads while it is narrowed; None if it never is."""
    may_have_many_files = spec.key[0] == "symbol" and spec.partition_by
    return f"getvariable('symbol_files')['{spec.name}']" if may_have_many_files else None


def enter_files(con: duckdb.DuckDBPyConnection, spec: TableSpec, table: DeltaTable) -> None:
    """Enter which symbols each file of a table version can hold, for `only`."""
    con.execute(_TABLE)
    if not chosen(spec) or is_remote(table):
        return
    entries = entries_of(table)
    unknown = pa.nulls(entries.num_rows, pa.string())
    path, first, last = (
        (entries[name] if name in entries.column_names else unknown).to_pylist()
        for name in ("path", "min.symbol", "max.symbol")
    )
    columns = (
        [entry_path(table, each) for each in path],
        [each or "" for each in first],
        [each or _AFTER_ALL for each in last],
    )
    if entries.num_rows:  # as text: with parameters DuckDB would import pandas
        con.execute(_ENTER.format(spec.name, *map(literals, columns)))


@contextmanager
def only(con: duckdb.DuckDBPyConnection, symbols: Sequence[str]) -> Iterator[None]:
    """Let views read what files may hold of these symbols, and perhaps of others.

    Whoever asks for other symbols meanwhile does not find them, so it is for one query at a time.
    """
    names, files, spare = sorted(symbols), dict[str, list[str]](), dict[str, list[str]]()
    # DuckDB could choose too, and would take five times as long and some megabytes for it.
    for name, path, first, last in con.execute("FROM symbol_files").fetchall():
        place = bisect_left(names, first)
        if place < len(names) and names[place] <= last:
            files.setdefault(name, []).append(path)
        else:
            spare[name] = [path]  # there is no list of no files
    held = ", ".join(f"'{name}': [{literals(paths)}]" for name, paths in (spare | files).items())
    con.execute(f"SET VARIABLE symbol_files = MAP {{{held}}}" if held else "RESET VARIABLE symbol_files")
    try:
        yield
    finally:
        con.execute("RESET VARIABLE symbol_files")
