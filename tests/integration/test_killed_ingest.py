"""Kill -9 during ingest: the re-run heals, and readers meanwhile see only whole commits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lake.store.lake import Lake
from tests.lakes import content, lake_process, run_lake, settings_of, table_versions

INGEST = ("ingest", "--source", "sample")
WHOLE = 12_154
"""Rows of the sample: a commit brings all of them or none."""


@contextmanager
def reader(root: Path) -> Iterator[set[int]]:
    """Count the current bars again and again while something else happens."""
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        lake = Lake(settings_of(root))
        while not done.is_set():
            try:
                table = lake.table("bars")
            except Exception as missing:  # before the first run has created the table
                if "TableNotFound" not in type(missing).__name__:
                    raise
                continue
            seen.add(table.to_pyarrow_table(columns=["superseded_at"]).num_rows)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def kill_and_rerun(root: Path, moments: list[float]) -> set[int]:
    """Kill an ingest at each moment, run it to the end, and return the row counts a reader saw."""
    with reader(root) as seen:
        for moment in moments:
            process = lake_process(root, *INGEST)
            time.sleep(moment)
            process.kill()
            process.wait()
            process.stdout.close()  # type: ignore[union-attr]
            process.stderr.close()  # type: ignore[union-attr]
        finished = run_lake(root, *INGEST)
    assert finished.returncode == 0, finished.stderr
    return seen


def check(tmp_path: Path, kills: int, seed: int) -> None:
    undisturbed = tmp_path / "undisturbed"
    started = time.monotonic()
    assert run_lake(undisturbed, *INGEST).returncode == 0
    duration = time.monotonic() - started
    chance = random.Random(seed)
    print(f"seed {seed}, {kills} kills within {duration:.1f} s")
    root = tmp_path / "killed"
    seen = kill_and_rerun(root, [chance.uniform(0.2, 1.0) * duration for _ in range(kills)])
    assert content(settings_of(root)) == content(settings_of(undisturbed))
    assert seen <= {0, WHOLE}
    versions = table_versions(settings_of(root))
    assert run_lake(root, *INGEST).returncode == 0
    assert table_versions(settings_of(root)) == versions


def test_four_kills_leave_the_tables_of_an_undisturbed_run(tmp_path: Path) -> None:
    check(tmp_path, kills=4, seed=20120103)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_twenty_kills_leave_the_tables_of_an_undisturbed_run(tmp_path: Path, seed: int) -> None:
    check(tmp_path, kills=5, seed=seed)
