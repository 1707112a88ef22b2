"""The same bars give the same tables, whatever the threads, the chunks, the time zone and the hash seed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lakes import content, run_lake, settings_of

BARS = (
    "ingest --source sample --symbols FB,IBM --from 2010-01-04",
    # Minutes on both sides of a night on which New York's clocks went forward.
    "ingest --source simulated --timeframe 1m --symbols SIM01,SIM02 --from 2019-03-08 --to 2019-03-11",
)
COMMANDS = (
    "derive --timeframe 1wk,15m",
    "enrich --timeframe 1d,1wk,15m",
    "levels --timeframe 1d,1wk,15m",
    "alerts",
    "sandbox --strategy dual_channel",
    "training build --horizons 1,5",
)
COMPARED = (
    "bars", "candles", "features", "levels", "level_events", "alerts",
    "sandbox_trades", "sandbox_equity", "sandbox_metrics", "training_sets",
)  # fmt: skip

RUN = f"""
import importlib, os, pkgutil, sys
import lake.steps, lake.store
from lake.cli import app
for package in (lake.steps, lake.store):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
if "CHUNK" in os.environ:  # those that no setting changes
    for name, module in list(sys.modules.items()):
        for constant in ("CHUNK", "MINUTES_CHUNK"):
            if name.startswith("lake.") and hasattr(module, constant):
                setattr(module, constant, int(os.environ["CHUNK"]))
for command in {COMMANDS!r}:
    app(command.split(), standalone_mode=False)
"""

PLAIN = {"TZ": "UTC", "PYTHONHASHSEED": "0", "LAKE_THREADS": "1"}
ONE_BY_ONE = {
    "threads": {"LAKE_THREADS": "2", "NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    "chunk": {"LAKE_CHUNK": "1", "CHUNK": "1"},
    "chunk of two": {"LAKE_CHUNK": "2", "CHUNK": "2"},
    "zone east": {"TZ": "Pacific/Auckland"},
    "zone west": {"TZ": "America/New_York"},
    "hash seed": {"PYTHONHASHSEED": "4242"},
}
ALL_AT_ONCE = {
    "LAKE_THREADS": "2",
    "LAKE_CHUNK": "1",
    "CHUNK": "1",
    "TZ": "Asia/Kolkata",
    "PYTHONHASHSEED": "4242",
}


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake of daily bars and minutes, nothing derived of them."""
    root = tmp_path_factory.mktemp("digests") / "bars"
    for command in BARS:
        done = run_lake(root, *command.split())
        assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def plain(bars: Path) -> dict[str, str]:
    """Return the digests of everything computed one by one, in UTC."""
    found = digests(bars, "plain", {})
    rows = {name for name, digest in found.items() if digest != digests_of_nothing(bars)[name]}
    assert rows == set(COMPARED)  # there is something in every table that is compared
    return found


def digests(bars: Path, name: str, changes: Mapping[str, str]) -> dict[str, str]:
    """Return the digests of the tables that the commands make of the bars in an environment."""
    root = Path(shutil.copytree(bars, bars.parent / name))
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        env={**os.environ, **PLAIN, **changes, "LAKE_ROOT": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = content(settings_of(root))
    return {table: found[table] for table in COMPARED}


def digests_of_nothing(bars: Path) -> dict[str, str]:
    """Return the digests of empty tables."""
    return content(settings_of(bars.parent / "empty"))


def test_threads_chunks_zone_and_hash_seed_together_change_nothing(bars: Path, plain: dict[str, str]) -> None:
    assert digests(bars, "changed", ALL_AT_ONCE) == plain


@pytest.mark.slow
@pytest.mark.parametrize("what", ONE_BY_ONE)
def test_each_of_them_changes_nothing(bars: Path, plain: dict[str, str], what: str) -> None:
    assert digests(bars, what.replace(" ", "_"), ONE_BY_ONE[what]) == plain
