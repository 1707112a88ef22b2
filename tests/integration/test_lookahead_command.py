"""`lake verify --lookahead` over a lake of real bars: clean as it is, and five planted cheats by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lake.errors import BadInput, UnknownSymbol
from lake.lookahead.cuts import cuts_of
from lake.steps.lookahead import verify_lookahead
from tests.builders import daily_bars, sessions
from tests.cheats import plant
from tests.lakes import run_lake, settings_of, table_versions
from tests.stacks import copy_checkout

COMMAND = "from lake.cli import main; main()"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake of the sample's shortest history, with weeks and three-day bars."""
    folder = tmp_path_factory.mktemp("lookahead") / "lake"
    for arguments in (
        ("ingest", "--source", "sample", "--symbols", "FB"),
        ("derive", "--timeframe", "1wk,3d"),
    ):
        done = run_lake(folder, *arguments)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def cheated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with five planted cheats."""
    checkout = copy_checkout(tmp_path_factory.mktemp("cheats"))
    plant(checkout)
    return checkout


def run_cheated(checkout: Path, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the `lake` command of another checkout on a throw-away lake."""
    own = {"LAKE_ROOT": str(root), "LAKE_HOME": str(checkout), "PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=checkout,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
    )


def test_nothing_of_this_installation_looks_ahead(root: Path) -> None:
    before = table_versions(settings_of(root))
    done = run_lake(root, "verify", "--lookahead", "--cuts", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "symbols 1, histories 3, cuts 6" in done.stdout
    assert "findings 0" in done.stdout
    assert "BAD" not in done.stdout
    assert table_versions(settings_of(root)) == before  # it only reads


def test_five_planted_cheats_are_caught_and_named(root: Path, cheated: Path) -> None:
    done = run_cheated(cheated, root, "verify", "--lookahead", "--cuts", "1")
    assert done.returncode == 1, done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith("BAD  expected")]
    for culprit in (
        "column centred_mean to use no bar after its own, found FB 1d, cut after ",
        "column close_tomorrow to use no bar after its own, found FB 1d, cut after ",
        "column close_scaled to use no bar after its own, found FB 1d, cut after ",
        "level method early to use no bar after its own, found FB 1d, cut after ",
        "1wk bars to use no bar after their own, found FB 1wk, cut after ",
        "3d bars to use no bar after their own, found FB 3d, cut after ",
    ):
        assert any(f"expected {culprit}" in line for line in found), (culprit, done.stdout)
    # And nobody else: not what only reads them, nor the honest column beside them.
    assert len(found) == 6, done.stdout
    values = next(line for line in found if "close_tomorrow" in line)
    assert " is missing by the bars up to there, " in values
    assert " with later bars there; correct the column" in values


@pytest.mark.slow
def test_an_open_week_that_the_lake_holds_as_complete_is_named(root: Path, cheated: Path) -> None:
    folder = root.parent / "unfinished"
    done = run_lake(folder, "ingest", "--source", "sample", "--symbols", "FB", "--to", "2013-02-13")
    assert done.returncode == 0, done.stderr
    assert run_cheated(cheated, folder, "derive", "--timeframe", "1wk").returncode == 0
    done = run_lake(folder, "verify", "--lookahead", "--timeframe", "1wk", "--cuts", "1")
    assert done.returncode == 1
    assert (
        "BAD  expected 1wk bars to use no bar after their own, found FB 1wk, cut after 2013-02-13T21:00:00Z: "
        "the bar of 2013-02-11T00:00:00Z is open by the bars up to there, complete in the lake"
    ) in done.stdout


def test_the_same_seed_gives_the_same_cuts_and_one_more_bar_others() -> None:
    bars = daily_bars(sessions("2010-01-04", 400), np.linspace(10.0, 20.0, 400).tolist())
    assert cuts_of(bars, 5, seed=1) == cuts_of(bars, 5, seed=1) != cuts_of(bars, 5, seed=2)
    assert cuts_of(bars, 5, seed=1) != cuts_of(bars[:-1], 5, seed=1)
    assert all(0 < cut < 400 for cut in cuts_of(bars, 1000, seed=1))
    assert len(set(cuts_of(bars, 1000, seed=1))) == 399
    assert max(cuts_of(bars, 1, seed=1)) >= 360  # where columns have warmed up
    assert cuts_of(bars[:1], 5, seed=1) == cuts_of(bars, 0, seed=1) == []


def test_options_are_checked(root: Path) -> None:
    done = run_lake(root, "verify", "--cuts", "3")
    assert done.returncode == 1
    assert "expected --cuts together with --lookahead" in done.stderr
    done = run_lake(root, "verify", "--lookahead", "--timeframe", "4d")
    assert done.returncode == 1
    assert "expected bars of 4d to look at, found none" in done.stderr
    lake = settings_of(root)
    with pytest.raises(BadInput, match="expected at least one cut, found 0"):
        verify_lookahead(lake, cuts=0)
    with pytest.raises(BadInput, match="expected a seed of 0 or more, found -1"):
        verify_lookahead(lake, seed=-1)
    with pytest.raises(BadInput, match="expected a timeframe"):
        verify_lookahead(lake, timeframes=["4w"])
    with pytest.raises(UnknownSymbol, match="found NOPE"):
        verify_lookahead(lake, ["NOPE"])
