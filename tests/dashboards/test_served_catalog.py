"""The served catalog: whole or not there, read and no more, never an error while it is replaced."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from sqlalchemy import make_url

from lake.config import Settings
from lake.errors import StoreUnavailable
from lake.serve.build import build, remove_old
from lake.serve.folder import newest, number_of, served_files, served_folder
from lake.serve.watch import Watch
from lake.steps.ingest import default_request, ingest
from lake.store.lake import Lake
from tests.dashboards.hostile import HOSTILE
from tests.dashboards.market import newest_alerts, write_alerts
from tests.dashboards.superset_server import CHECKOUT

QUERIES, REPLACEMENTS = 1_000, 8
COUNTED = (
    "SELECT (SELECT count(*) FROM long_term_chart), (SELECT count(*) FROM live_chart), count(*) FROM live_now"
)

_REPLACING = """
import sys
from pathlib import Path
from lake.config import load_settings
from lake.serve.build import build, remove_old
from lake.store.lake import Lake
lake = Lake.open(load_settings(lake_root=sys.argv[1]))
while True:
    print(build(lake, Path(sys.argv[2])).path.name, flush=True)
    remove_old(Path(sys.argv[2]), keep=2, grace=1.0)
"""


@pytest.fixture(scope="module")
def configuration(market: Settings) -> Iterator[ModuleType]:
    """Return Superset's configuration for the market, imported without Superset."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKE_ROOT", market.lake_root)
        patch.setenv("SUPERSET_SECRET_KEY", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ")
        patch.setenv("SUPERSET_HOME", str(Path(market.lake_root).parent / "superset"))
        spec = importlib.util.spec_from_file_location(
            "superset_config", CHECKOUT / "superset" / "superset_config.py"
        )
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def opened(configuration: ModuleType) -> duckdb.DuckDBPyConnection:
    """Return a connection as Superset's own: by the configuration's mutator."""
    uri, params = configuration.DB_CONNECTION_MUTATOR(make_url(configuration.CATALOG), {}, None, None, None)
    return duckdb.connect(uri.database, **params["connect_args"])


@pytest.fixture(scope="module")
def served(market: Settings) -> Path:
    """Return the folder of the served files of the market."""
    folder = served_folder({"LAKE_ROOT": market.lake_root})
    build(Lake.open(market), folder)
    return folder


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_statements_are_refused(
    name: str, configuration: ModuleType, served: Path, tmp_path: Path
) -> None:
    """Nothing is written, read or attached through a dashboard's connection."""
    before = newest(served).read_bytes()  # type: ignore[union-attr]
    con = opened(configuration)
    with pytest.raises(duckdb.Error):
        con.execute(HOSTILE[name].format(folder=tmp_path)).fetchall()
    assert list(tmp_path.iterdir()) == []
    assert newest(served).read_bytes() == before  # type: ignore[union-attr]


def test_a_thousand_queries_meet_no_error_while_files_are_replaced(
    configuration: ModuleType, market: Settings, served: Path
) -> None:
    """Each query opens the newest file of its moment and finds it whole."""
    with opened(configuration) as con:
        rows = con.execute(COUNTED).fetchall()
    command = [sys.executable, "-c", _REPLACING, market.lake_root, str(served)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    first = number_of(newest(served))  # type: ignore[arg-type]

    def query(_: int) -> tuple[int, Any]:
        with opened(configuration) as con:
            return number_of(newest(served)) - first, con.execute(COUNTED).fetchall()  # type: ignore[arg-type]

    asked, replaced = 0, 0
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as builder,
        ThreadPoolExecutor(4) as readers,
    ):
        while asked < QUERIES or replaced < REPLACEMENTS:
            for number, found in readers.map(query, range(100)):
                assert found == rows
                asked, replaced = asked + 1, number
            assert builder.poll() is None
        builder.kill()


def test_a_file_is_built_when_a_table_moves_and_only_then(settings: Settings) -> None:
    """The watch builds at first, rests while nothing moves, and builds again after a commit."""
    told = list[str]()
    watch = Watch(lambda: Lake.open(settings), settings.local_folder, told.append)
    first = watch.look()
    assert first and watch.look() is None
    ingest(settings, default_request(settings, source="sample", symbols=["IBM"]))
    write_alerts(settings, newest_alerts(settings, "IBM", "1d", "hammer", "bullish", 1))
    second = watch.look()
    assert second and second.path != first.path and second.rows > first.rows
    assert watch.look() is None and len(told) == 2


def test_an_empty_lake_is_served_too(settings: Settings) -> None:
    """Every view is there, without rows, before anything was ingested."""
    served = build(Lake.open(settings), settings.local_folder / "_served")
    names = {path.stem for path in (settings.sql_folder / "gold").glob("*.sql")}
    with duckdb.connect(str(served.path), read_only=True) as con:
        found = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert found == names and served.rows == 0


def test_a_build_that_fails_leaves_the_last_file_and_one_sentence(settings: Settings, tmp_path: Path) -> None:
    """A full or read-only disk is told once, and the next look tries again."""
    folder = tmp_path / "in the way"
    folder.write_text("a file where the folder should be")
    told = list[str]()
    watch = Watch(lambda: Lake.open(settings), folder, told.append)
    assert watch.look() is None and watch.look() is None
    assert len(told) == 1 and told[0].startswith("expected to write the served catalog")
    with pytest.raises(StoreUnavailable):
        build(Lake.open(settings), folder)


def test_files_stay_until_nobody_can_be_about_to_open_them(settings: Settings) -> None:
    """The newest few stay, and every one that was the newest a moment ago."""
    folder = settings.local_folder / "_served"
    lake = Lake.open(settings)
    files = [build(lake, folder).path for _ in range(5)]
    assert remove_old(folder, keep=2, grace=3600) == []
    os.utime(files[1], (0, 0))  # the second came long ago: the first has not been the newest since
    assert remove_old(folder, keep=2, grace=3600) == files[:1]
    assert served_files(folder) == files[1:] and newest(folder) == files[-1]
    left = folder / ".served-000009.duckdb.1"
    left.write_bytes(b"")
    os.utime(left, (0, 0))
    assert remove_old(folder, keep=2, grace=3600) == [left]


def test_serve_ends_when_it_is_told_to(settings: Settings) -> None:
    """SIGTERM ends the process within its rest, with exit code 0."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "LAKE_ROOT": settings.lake_root}
    command = [sys.executable, "-m", "stack.serve"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline().startswith("serve: served-000001.duckdb holds")
        process.terminate()
        assert process.wait(60) == 0


def test_a_watch_stops_at_once(settings: Settings) -> None:
    """A set event ends the loop before another look."""
    stop = threading.Event()
    stop.set()
    told = list[str]()
    Watch(lambda: Lake.open(settings), settings.local_folder, told.append).run(stop)
    assert told == []


def test_where_the_files_are_is_what_the_settings_say(settings: Settings) -> None:
    """Superset, which cannot read the settings, finds the same folder."""
    assert served_folder({"LAKE_ROOT": settings.lake_root}) == settings.local_folder / "_served"
    bucket = Settings(lake_home=Path("/home/lake"), lake_root="s3://bucket/lake")
    environment = {"LAKE_ROOT": "s3://bucket/lake", "LAKE_HOME": "/home/lake"}
    assert served_folder(environment) == bucket.local_folder / "_served"
    own = Settings(lake_home=Path("/home/lake"), lake_root="")
    assert served_folder({"LAKE_HOME": "/home/lake"}) == own.local_folder / "_served"
