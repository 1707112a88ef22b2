"""Building a served file: every view of sql/gold/ as a table, whole or not at all."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb

from lake.errors import StoreUnavailable
from lake.serve.folder import newest, number_of, served_files
from lake.store.catalog import CHARTS, connect, in_order_of_reading
from lake.store.lake import Lake
from lake.store.tables import TABLES

GOLD = "gold"
"""The folder of sql/ whose views are served."""

MEMORY = "1GB"
"""What one build may hold in memory; more goes to disk, beside the file."""

KEEP_FILES = 3
ABANDONED_SECONDS = 600.0
"""A temporary file that was not written to for so long belongs to a build that was killed."""

GRACE_SECONDS = 60.0
"""A file goes when it is none of the newest and was not the newest one for so long."""


@dataclass(frozen=True, slots=True)
class Served:
    """One build: its file, its rows, its views, how long it took."""

    path: Path
    tables: int
    rows: int
    seconds: float


def table_versions(lake: Lake) -> dict[str, int]:
    """Return the version of every table that a view may read."""
    return {name: lake.table(name).version() for name in TABLES}


def build(lake: Lake, folder: Path) -> Served:
    """Materialise the gold views of the lake's present versions into the next served file.

    Raises:
        StoreUnavailable: the file cannot be written, or a view does not answer.
    """
    started = time.monotonic()
    last = newest(folder)
    target = folder / f"served-{(number_of(last) if last else 0) + 1:06d}.duckdb"
    temporary = folder / f".{target.name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _discard(temporary)
        counts = _write(lake, temporary)
        _publish(temporary, target)
    except (duckdb.Error, OSError) as error:
        _discard(temporary)
        raise StoreUnavailable(
            f"expected to write the served catalog {target}, found: {str(error).splitlines()[0]}; "
            "check the space left and the views of sql/gold"
        ) from error
    return Served(target, len(counts), sum(counts.values()), time.monotonic() - started)


def remove_old(folder: Path, keep: int = KEEP_FILES, grace: float = GRACE_SECONDS) -> list[Path]:
    """Remove files that nobody will open any more, and what killed builds left; return them.

    A reader that has a file open keeps it; one that is about to open one chose it while it was the newest.
    """
    files, now = served_files(folder), time.time()
    gone = [
        path
        for path, successor in pairwise(files)
        if path not in files[-keep:] and now - successor.stat().st_mtime >= grace
    ]
    gone += [path for path in folder.glob(".served-*") if now - path.stat().st_mtime >= ABANDONED_SECONDS]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def _write(lake: Lake, path: Path) -> dict[str, int]:
    """Write the gold views to a file and return the rows of each; what several read is worked out once."""
    counts = {}
    with closing(connect(lake)) as con:
        con.execute(f"SET memory_limit = '{MEMORY}'")
        con.execute(f"SET temp_directory = '{_quoted(path.parent / '.spill')}'")
        con.execute(f"ATTACH '{_quoted(path)}' AS served")
        con.execute("CREATE SCHEMA worked_out")
        for file in in_order_of_reading([lake.settings.sql_folder / layer for layer in CHARTS]):
            con.execute(file.read_text())
            if not _is_view(con, file.stem):  # a macro
                continue
            if file.parent.name == GOLD:
                counts[file.stem] = _store(con, file.stem, "served.main")
            else:
                _store(con, file.stem, "worked_out")
        con.execute("DETACH served")
    return counts


def _is_view(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(con.execute("SELECT 1 FROM duckdb_views() WHERE view_name = ?", [name]).fetchall())


def _store(con: duckdb.DuckDBPyConnection, view: str, schema: str) -> int:
    """Make a view a table of `schema`, which views after it read, and return its rows."""
    con.execute(f"CREATE TABLE {schema}.{view} AS SELECT * FROM {view}")
    con.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {schema}.{view}")
    row = con.execute(f"SELECT count(*) FROM {view}").fetchone()
    return int(row[0]) if row else 0


def _discard(temporary: Path) -> None:
    for path in temporary.parent.glob(f"{temporary.name}*"):  # its log too
        path.unlink(missing_ok=True)


def _publish(temporary: Path, target: Path) -> None:
    """Give a complete file its name, on the disk too: after a power cut it is whole or not there."""
    _sync(temporary)
    temporary.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
