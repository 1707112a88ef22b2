"""A missed deadline: in the log, in `lake check`, and in a real Airflow."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from lake.config import Settings
from lake.steps.check import check
from lake.steps.freshness import late, note_fresh
from tests.lakes import ODD_FOLDER, settings_of
from tests.servers import free_port
from tests.stacks import CHECKOUT, airflow_environment

CONTEXT = {
    "dag_run": {"dag_id": "ingest_daily_bars", "dag_run_id": "scheduled__2024-07-01"},
    "deadline": {"id": "1", "deadline_time": "2024-07-02T23:30:00+00:00"},
}
BIN = Path(sys.executable).parent
SECONDS = 300
"""After which a real Airflow is taken to hang."""

SLOW_DAG = """
from datetime import timedelta
from airflow.sdk import AsyncCallback, DeadlineAlert, DeadlineReference, dag, task
from ingest_tasks import FRESHNESS
deadline = DeadlineAlert(FRESHNESS.reference, timedelta(seconds=1), FRESHNESS.callback, FRESHNESS.name)
@dag(schedule=None, deadline=deadline, is_paused_upon_creation=False)
def sleepy():
    @task
    def sleep():
        import time
        time.sleep(600)
    sleep()
sleepy()
"""


def test_a_missed_deadline_is_told_until_a_run_has_brought_everything(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.syspath_prepend(str(CHECKOUT / "plugins"))
    monkeypatch.setenv("LAKE_ROOT", settings.lake_root)
    assert {finding.found for finding in check(settings) if finding.about == "deadlines"} == {
        "no ingest is late"
    }
    tell = importlib.import_module("missed_deadline").tell
    with ThreadPoolExecutor(1) as pool:  # where no other test's browser has a loop running
        for _ in range(2):  # Airflow may repeat it
            pool.submit(lambda: asyncio.run(tell(context=CONTEXT))).result()
    (found,) = [finding for finding in check(settings) if finding.about == "deadlines"]
    assert not found.is_ok
    assert "expected ingest_daily_bars to have brought its bars by 2024-07-02T23:30" in found.found
    assert "scheduled__2024-07-01" in caplog.text
    note_fresh(settings, "ingest_intraday")
    assert len(late(settings)) == 1
    note_fresh(settings, "ingest_daily_bars")
    assert late(settings) == []


@contextmanager
def airflow(folder: Path) -> Iterator[dict[str, str]]:
    """Run all parts of Airflow on a DAG whose deadline passes at once, and stop them together."""
    (folder / "dags").mkdir()
    (folder / "dags" / "sleepy.py").write_text(SLOW_DAG)
    port = free_port()
    environment = {
        **airflow_environment(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "AIRFLOW__API_AUTH__JWT_SECRET": "x" * 64,
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "LAKE_HOME": str(CHECKOUT),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(BIN / "airflow"), "standalone"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield environment
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(60)
            finally:
                if _is_alive(process.pid):
                    os.killpg(process.pid, signal.SIGKILL)


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end, "Airflow hangs"
        time.sleep(1)


def command(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "airflow"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_airflow_itself_tells_of_a_run_that_is_late(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / ODD_FOLDER)
    with airflow(tmp_path) as environment:
        wait_for(lambda: command(environment, "dags", "trigger", "sleepy", "-r", "late_one").returncode == 0)
        wait_for(lambda: bool(late(settings)))
    (said,) = late(settings)
    assert "expected sleepy to have brought its bars by" in said and "late_one" in said
    note = json.loads((settings.local_folder / "_late" / "sleepy.json").read_text())
    assert note["run_id"] == "late_one"
    assert said in (tmp_path / "log").read_text()
