"""DuckDB connections of this process: in memory, in UTC."""

from __future__ import annotations

import duckdb


def open_duckdb(threads: int = 2) -> duckdb.DuckDBPyConnection:
    """Return a fresh in-memory connection whose times are UTC."""
    con = duckdb.connect(":memory:", config={"threads": threads})
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_external_file_cache = false")  # the system has files in memory already
    con.execute("SET enable_progress_bar = false")  # it would be written into the output of slow queries
    return con
