"""Two at once: nothing lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

from tests.lakes import content, lake_process, run_lake, settings_of


def run_together(root: Path, *commands: tuple[str, ...]) -> None:
    processes = [lake_process(root, *command) for command in commands]
    for process in processes:
        _, err = process.communicate()
        assert process.returncode == 0, err


def test_the_same_ingest_twice_at_once_equals_one(tmp_path: Path) -> None:
    command = ("ingest", "--source", "sample")
    run_together(tmp_path / "twice", command, command)
    assert run_lake(tmp_path / "once", *command).returncode == 0
    assert content(settings_of(tmp_path / "twice")) == content(settings_of(tmp_path / "once"))


def test_two_different_ingests_at_once_equal_one_after_the_other(tmp_path: Path) -> None:
    first = ("ingest", "--source", "sample", "--symbols", "AAPL,IBM", "--to", "2008-06-30")
    second = ("ingest", "--source", "sample", "--symbols", "IBM,MSFT", "--from", "2006-01-03")
    run_together(tmp_path / "together", first, second)
    for command in (first, second):
        assert run_lake(tmp_path / "in_turn", *command).returncode == 0
    assert content(settings_of(tmp_path / "together")) == content(settings_of(tmp_path / "in_turn"))


def test_two_derivations_at_once_equal_one(tmp_path: Path) -> None:
    for name in ("twice", "once"):
        assert run_lake(tmp_path / name, "ingest", "--source", "sample").returncode == 0
    derive = ("derive", "--timeframe", "1wk,5d")
    run_together(tmp_path / "twice", derive, derive)
    assert run_lake(tmp_path / "once", *derive).returncode == 0
    assert content(settings_of(tmp_path / "twice")) == content(settings_of(tmp_path / "once"))
