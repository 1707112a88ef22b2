"""The catalog: every view of sql/ over the current table versions, in a DuckDB of this process.

Each process builds its own in memory, so nothing is locked and every query sees whole commits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from lake.errors import BadInput
from lake.store.duck import open_duckdb
from lake.store.failures import failures_of
from lake.store.lake import Lake
from lake.store.narrow import chosen, enter_files
from lake.store.scan import scan
from lake.store.tables import TABLES

CORE = ("core",)
CHARTS = ("charts", "gold")
"""Folders of sql/: what the lake says; how charts draw it and what dashboards are served.

The latter take longer to bind than most questions take to answer, so only who wants them gets them.
"""

_READS = "-- reads:"


def connect(
    lake: Lake, as_of: datetime | None = None, layers: Sequence[str] = CORE
) -> duckdb.DuckDBPyConnection:
    """Return a connection in which every view of these layers of sql/ answers.

    With `as_of` the views `bars`, `bars_adjusted` and `actions` say what was known then.

    Raises:
        StoreUnavailable: a table cannot be read.
    """
    con = open_duckdb()
    con.execute("CREATE SCHEMA lake")
    for name, spec in TABLES.items():
        with failures_of(lake.uri(name)):
            table = lake.table(name)
            enter_files(con, spec, table)
            con.execute(f"CREATE VIEW lake.{name} AS {scan(con, spec, table, chosen=chosen(spec))}")
    folders = [lake.settings.sql_folder / layer for layer in layers]
    if as_of is not None:
        con.execute("SET VARIABLE as_of = ?::TIMESTAMPTZ", [as_of.astimezone(UTC)])
        folders.append(lake.settings.sql_folder / "as_of")
    for path in in_order_of_reading(folders):
        con.execute(path.read_text())
    return con


def parse_as_of(text: str) -> datetime:
    """Return a moment from ISO 8601; a bare date means its end in UTC.

    Raises:
        BadInput: `text` is neither a date nor a time.
    """
    try:
        if len(text) == len("2020-01-31"):
            start = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return start + timedelta(days=1, microseconds=-1)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"expected a date or a time such as 2020-01-31T16:00:00Z, found {text!r}") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def in_order_of_reading(folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the views' files so that each comes after those it reads; later folders override."""
    files = {path.stem: path for folder in folders for path in sorted(folder.glob("*.sql"))}
    order = TopologicalSorter({name: reads_of(path) & set(files) for name, path in files.items()})
    return (files[name] for name in order.static_order())


def reads_of(path: Path) -> set[str]:
    """Return the views that the header of an SQL file says it reads."""
    for line in path.read_text().splitlines():
        if line.startswith(_READS):
            return {name.strip() for name in line.removeprefix(_READS).split(",")}
    return set()
