"""DuckDB connections of this process: in memory, in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

PIECE = 32_768
"""Rows of many that DuckDB hands over at once.

Larger pieces grow by doubling and leave holes in memory that nothing fits.
"""


def open_duckdb(threads: int = 2) -> duckdb.DuckDBPyConnection:
    """Return a fresh in-memory connection whose times are UTC."""
    con = duckdb.connect(":memory:", config={"threads": threads})
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_external_file_cache = false")  # the system has files in memory already
    con.execute("SET enable_progress_bar = false")  # it would be written into the output of slow queries
    return con


def arrow_of(con: duckdb.DuckDBPyConnection, query: str, asked: Mapping[str, Any]) -> pa.Table:
    """Return the many rows of a query as Arrow, made by all of DuckDB's threads.

    The rows of a statement with parameters come through one thread, which takes twice as long. What is
    `asked` as $name is therefore a variable of the connection instead.
    """
    for name, value in asked.items():
        con.execute(f"SET VARIABLE {name} = $value", {"value": value})
        query = re.sub(rf"\${name}\b", f"getvariable('{name}')", query)
    return con.sql(query).to_arrow_table(PIECE)
