"""Every system call of a commit may fail: the lake is as before or as after, and the next run heals it."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lake.steps.maintain import maintain
from lake.store.tables import TABLES
from tests.lakes import content, run_lake, settings_of
from tests.syscalls import CHANGING, CREATING, OPENING, WRITING, Call, Commands, Fault, commands

BEFORE = """symbol,ts,open,high,low,close,volume,dividend
AAA,2012-12-28,10,11,9,10,1000,0
AAA,2012-12-31,10,11,9,10.5,1100,0
BBB,2012-12-31,20,21,19,20,1000,0
"""
AFTER = """symbol,ts,open,high,low,close,volume,dividend
AAA,2012-12-28,10,11,9,10,1000,0
AAA,2012-12-31,10,11,9,10.25,1100,0
AAA,2013-01-02,10,11,9,10.6,1200,0.1
AAA,2013-01-04,10,11,9,10.7,1200,0
BBB,2012-12-31,20,21,19,20,1000,0
BBB,2013-01-02,20,19,21,20,1000,0
CCC,2013-01-02,30,31,29,30,1000,0
"""
"""A close restated, a dividend, a gap, an impossible row and a symbol that was not there."""

SECONDS_OF_DAYS = 20 * 86_400
"""Older than anything is kept."""


@dataclass(frozen=True)
class Work:
    """A command, the lake it starts from, and what it makes of it where nothing fails."""

    arguments: tuple[str, ...]
    lake: Path
    old: dict[str, str]
    new: dict[str, str]
    calls: list[Call]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("faults") / "output") as started:
        yield started


@pytest.fixture(scope="module")
def works(warm: Commands, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Work]:
    """Return one commit of each kind: ingest, derive and enrich one after the other, and maintenance."""
    folder = tmp_path_factory.mktemp("works")
    bars, lake = folder / "bars.csv", folder / "lake"
    bars.write_text(BEFORE)
    ingest = ("ingest", "--source", "files", "--path", str(bars))
    assert run_lake(lake, *ingest).returncode == 0
    bars.write_text(AFTER)
    made = {}
    for arguments in (
        ingest,
        ("derive", "--timeframe", "1wk"),
        ("enrich", "--timeframe", "1d,1wk"),
        ("maintain",),
    ):
        start = folder / arguments[0]
        shutil.copytree(lake, start)
        old = content(settings_of(lake))
        ended = warm.run(lake, arguments)
        assert (ended.code, ended.said) == (0, ""), ended.said
        made[arguments[0]] = Work(arguments, start, old, content(settings_of(lake)), ended.calls)
    return made


def faults_of(calls: list[Call]) -> list[Fault]:
    """Return what is to be tried: every call that changes something, with each fault that it can meet,
    and of those that only read the first of each kind and place, with EIO.
    """
    written = {call.path for call in calls if call.name in WRITING}
    changing = [
        call
        for call in calls
        if call.name in CHANGING and (call.name not in OPENING | {"close"} or call.path in written)
    ]
    found = [Fault(call.kind, call.number, effect) for call in changing for effect in ("EIO", "SIGKILL")]
    found += [Fault(call.kind, call.number, "ENOSPC") for call in changing if call.name in CREATING]
    found += [Fault(kind, 1, "EIO") for kind in {call.kind for call in calls}]
    return sorted(set(found))


def sample_of(faults: list[Fault], count: int, seed: int) -> list[Fault]:
    """Return some faults, of different calls or effects, so that many writes do not crowd out one rename."""
    chance = random.Random(seed)
    groups: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((fault.name, fault.effect), []).append(fault)
    return [chance.choice(groups[each]) for each in chance.sample(sorted(groups), count)]


def check(warm: Commands, work: Work, fault: Fault, root: Path) -> Call | None:
    """Let one call fail and return it, None if it was not made; what is left must be whole, and heal."""
    shutil.copytree(work.lake, root)
    ended = warm.run(root, work.arguments, fault)
    described = f"{fault}: exit code {ended.code}, said {ended.said}"
    if ended.hit is None:
        assert ended.code == 0, described
    found = content(settings_of(root))
    for name in TABLES:
        assert found[name] in (work.old[name], work.new[name]), f"{name} is neither old nor new: {described}"
    if ended.code == 0:
        assert found == work.new, described
    elif fault.effect != "SIGKILL":
        assert ended.code == 1 and "Traceback" not in ended.said, described
        assert ended.said.splitlines()[-1].startswith("lake: expected "), described
    else:
        assert ended.code == -9, described
    healed = warm.run(root, work.arguments, counted=False)
    assert (healed.code, healed.said) == (0, ""), f"{described}, then {healed.said}"
    assert content(settings_of(root)) == work.new, described
    shutil.rmtree(root)
    return ended.hit


def orphans(root: Path) -> set[str]:
    """Return the files of a lake that no version of a table has named and no run needs."""
    found = {path for path in root.rglob("*") if path.is_file() and path.parts[len(root.parts)] != "_locks"}
    for name in TABLES:
        log = root / name / "_delta_log"
        found -= {path for path in log.iterdir() if path.suffix in (".json", ".parquet", "._last_checkpoint")}
        found.discard(log / "_last_checkpoint")
        found -= {root / name / path for path in named_in(log)}
    return {str(path.relative_to(root)) for path in found}


def named_in(log: Path) -> set[str]:
    lines = [json.loads(line) for path in log.glob("*.json") for line in path.read_text().splitlines()]
    return {entry[key]["path"] for entry in lines for key in ("add", "remove") if key in entry}


def age(root: Path) -> None:
    """Make every file of a lake look old."""
    then = time.time() - SECONDS_OF_DAYS
    for path in (root, *root.rglob("*")):
        os.utime(path, (then, then))


@pytest.mark.parametrize("name", ["ingest", "derive", "enrich", "maintain"])
def test_a_call_that_fails_leaves_the_old_or_the_new_state(
    warm: Commands, works: dict[str, Work], tmp_path: Path, name: str
) -> None:
    for fault in sample_of(faults_of(works[name].calls), 3, seed=20130102):
        assert check(warm, works[name], fault, tmp_path / "lake") is not None, f"{fault} was never met"


def test_a_full_disk_at_the_moment_of_the_commit_is_told_in_one_sentence(
    warm: Commands, works: dict[str, Work], tmp_path: Path
) -> None:
    work = works["ingest"]
    shutil.copytree(work.lake, tmp_path / "lake")
    ended = warm.run(tmp_path / "lake", work.arguments, Fault("linkat", 1, "ENOSPC"))
    assert ended.code == 1
    assert ended.said.count("\n") == 1
    assert "No space left on device" in ended.said and "the space left" in ended.said
    assert content(settings_of(tmp_path / "lake"))["bars"] == work.old["bars"]


def test_maintenance_removes_what_killed_runs_left(
    warm: Commands, works: dict[str, Work], tmp_path: Path
) -> None:
    root, work = tmp_path / "lake", works["ingest"]
    shutil.copytree(work.lake, root)
    for name in ("linkat", "rename", "write"):  # the first stages, the others go on with what it staged
        assert warm.run(root, work.arguments, Fault(name, 1, "SIGKILL")).code == -9
    left = orphans(root)
    assert any("#" in name for name in left) and any("_staging" in name for name in left)
    maintain(settings_of(root))
    assert orphans(root) == left  # somebody may still be writing them
    age(root)
    maintain(settings_of(root))
    assert orphans(root) == set()
    found = content(settings_of(root))
    assert all(found[name] in (work.old[name], work.new[name]) for name in TABLES)


@pytest.mark.parametrize("effect", ["error=ENOSPC", "signal=SIGKILL"])
def test_strace_itself_finds_a_whole_process_old_or_new(
    works: dict[str, Work], tmp_path: Path, effect: str
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not on this machine")
    root, work = tmp_path / "lake", works["ingest"]
    shutil.copytree(work.lake, root)
    strace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        "trace=linkat",
        "-e",
        f"inject=linkat:{effect}:when=1",
    ]
    done = run_lake(root, *work.arguments, before=strace)
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[0]}")
    assert done.returncode != 0 and "Traceback" not in done.stderr, done.stderr
    found = content(settings_of(root))
    assert all(found[name] in (work.old[name], work.new[name]) for name in TABLES)
    assert found["bars"] == work.old["bars"]
    assert run_lake(root, *work.arguments).returncode == 0
    assert content(settings_of(root)) == work.new


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ingest", "derive", "enrich", "maintain"])
def test_every_call_that_fails_leaves_the_old_or_the_new_state(
    warm: Commands, works: dict[str, Work], tmp_path: Path, name: str
) -> None:
    work = works[name]
    met = {check(warm, work, fault, tmp_path / "lake") for fault in faults_of(work.calls)}
    assert {call.kind for call in met if call} == {call.kind for call in work.calls}
