"""`make up` and `make down` as a stranger meets them: a fresh checkout, an empty home, real servers.

One stack serves the whole file, in the order of the tests: each builds on what the one before left.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from lake.config import load_settings
from lake.market.sessions import calendar
from stack.airflow_api import AirflowApi, Run, TaskTry
from stack.installation import Installation, find_installation
from stack.pipeline import CHAIN, log_of, reason_in
from stack.processes import manager_of, parts, processes_of
from tests.lakes import content, table_versions
from tests.stacks import copy_checkout, make, stack_environment

SECONDS = 300


@dataclass(frozen=True)
class Stack:
    """A checkout, the environment its commands run in, and what the first `make up` said."""

    checkout: Path
    environment: dict[str, str]
    first_output: str

    @property
    def installation(self) -> Installation:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AIRFLOW_PORT", "MONGO_URL", "HOME"):
                patch.setenv(name, self.environment[name])
            patch.delenv("LAKE_ROOT", raising=False)
            return find_installation(self.checkout)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    checkout, environment = copy_checkout(folder), stack_environment(folder / "home")
    done = make(checkout, environment, "up", seconds=SECONDS)
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield Stack(checkout, environment, done.stdout)
    finally:
        make(checkout, environment, "down", seconds=SECONDS)


def test_the_first_up_ends_green_with_results_and_logins(stack: Stack) -> None:
    for dag_id in CHAIN:
        assert f"{dag_id}: success" in stack.first_output
    assert re.search(r"dual_channel +IBM +\d+", stack.first_output)
    password = stack.installation.values["AIRFLOW_ADMIN_PASSWORD"]
    assert f"login admin / {password}" in stack.first_output
    assert not any((Path(stack.environment["HOME"])).iterdir()), "the home folder stays as it was"


def test_it_listens_on_this_machine_only(stack: Stack) -> None:
    hosts = {
        connection.laddr.ip
        for process in processes_of(stack.installation)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert hosts == {"127.0.0.1"}


def test_the_next_ingest_is_due_half_an_hour_after_a_close(stack: Stack) -> None:
    with AirflowApi(stack.installation) as api:
        dag = api.ask("GET", "/api/v2/dags/ingest_daily_bars")
    closes_at = datetime.fromisoformat(dag["next_dagrun_data_interval_end"])
    assert np.datetime64(closes_at.replace(tzinfo=None)) in calendar("XNYS").closes_at
    assert datetime.fromisoformat(dag["next_dagrun_run_after"]) - closes_at == timedelta(minutes=30)
    assert dag["timetable_summary"] == "XNYS close + 30 min"


def test_status_shows_every_part_running(stack: Stack) -> None:
    done = make(stack.checkout, stack.environment, "status")
    assert done.returncode == 0
    assert done.stdout.count("RUNNING") == 5


def test_a_second_up_runs_the_pipeline_again_and_changes_nothing(stack: Stack) -> None:
    settings = load_settings(lake_home=stack.checkout, lake_root=stack.installation.values["LAKE_ROOT"])
    before = content(settings), table_versions(settings), _documents(stack)
    done = make(stack.checkout, stack.environment, "up", seconds=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "runs already" in done.stdout
    assert "publish_documents: success" in done.stdout
    assert (content(settings), table_versions(settings), _documents(stack)) == before
    assert before[2]["features"] > 0


def test_a_port_that_is_taken_is_named_before_anything_starts(stack: Stack, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {**stack_environment(tmp_path / "home"), "AIRFLOW_PORT": str(port)}
        other = copy_checkout(tmp_path)
        done = make(other, environment, "up", seconds=SECONDS)
    assert done.returncode != 0
    assert f"expected port {port} free for Airflow" in done.stderr
    assert f"process {os.getpid()} " in done.stderr
    assert not (other / "var" / "log" / "supervisord.log").exists()


def test_other_settings_than_the_running_ones_are_refused(stack: Stack) -> None:
    done = make(stack.checkout, {**stack.environment, "AIRFLOW_PARALLELISM": "3"}, "up")
    assert done.returncode != 0
    assert "run `make down` first" in done.stderr


def test_up_names_a_failed_task_its_reason_and_its_log(stack: Stack) -> None:
    strategies = stack.checkout / "conf" / "strategies.yaml"
    good = strategies.read_text()
    strategies.write_text(good.replace("rule: dual_channel", "rule: no_such_rule"))
    try:
        done = make(stack.checkout, stack.environment, "up", seconds=SECONDS)
    finally:
        strategies.write_text(good)
    assert done.returncode != 0
    found = re.search(r"run_sandbox: task (\w+) failed: (.+); its log is (\S+)", done.stderr)
    assert found
    assert "no_such_rule" in found[2]
    assert Path(found[3]).is_file()
    assert "Traceback" not in done.stderr


def test_maintenance_changes_no_answer(stack: Stack) -> None:
    settings = load_settings(lake_home=stack.checkout, lake_root=stack.installation.values["LAKE_ROOT"])
    before = content(settings)
    with AirflowApi(stack.installation) as api:
        assert _finished(api, api.trigger("maintain_lake", {})).state == "success"
    assert content(settings) == before


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"symbols": ["NOSUCH"]}, "expected symbols that source sample has, found NOSUCH"),
        ({"symbols": ["../x"]}, "expected a symbol of 1 to 20 characters"),
        ({"from": "2013-01-31", "to": "2012-01-31"}, "expected dates in order"),
    ],
)
def test_a_wrong_request_fails_at_once_with_one_sentence(
    stack: Stack, form: dict[str, Any], sentence: str
) -> None:
    with AirflowApi(stack.installation) as api:
        run = _finished(api, api.trigger("ingest_daily_bars", form))
        task = next(task for task in api.tasks(run) if task.task_id == "plan")
    assert run.state == "failed"
    assert (task.state, task.number) == ("failed", 1)
    reason = reason_in(log_of(stack.installation, run, task))
    assert reason
    assert reason.startswith(sentence)
    assert "\n" not in reason


def test_publication_waits_for_mongodb_to_come_back(stack: Stack) -> None:
    installation = stack.installation
    server = next(p for p in processes_of(installation) if "nx-27017" in " ".join(p.cmdline()))
    server.suspend()  # the manager would start a stopped one again
    try:
        with AirflowApi(installation) as api:
            run = api.trigger("publish_documents", {})
            task = _task_in(api, run, {"up_for_retry"})
            assert "MongoDB" in (reason_in(log_of(installation, run, task)) or "")
            server.resume()
            assert _finished(api, run).state == "success"
    finally:
        server.resume()


def test_up_mends_what_a_killed_process_manager_left(stack: Stack) -> None:
    manager = manager_of(stack.installation)
    assert manager
    manager.kill()
    manager.wait(10)
    orphans = processes_of(stack.installation)
    assert len(orphans) > 3
    done = make(stack.checkout, stack.environment, "up", seconds=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {part.state for part in parts(stack.installation)} == {"RUNNING"}
    assert not any(process.is_running() for process in orphans)


def test_down_leaves_no_process_and_needs_no_force(stack: Stack) -> None:
    before = [process.pid for process in processes_of(stack.installation)]
    assert len(before) > 5
    done = make(stack.checkout, stack.environment, "down", seconds=SECONDS)
    assert done.returncode == 0, done.stderr
    assert "none is left" in done.stdout
    assert processes_of(stack.installation) == []
    log = (stack.installation.logs / "supervisord.log").read_text()
    assert "SIGKILL" not in log
    order = re.findall(r"stopped: (\S+)", log)
    assert order.index("airflow-scheduler") < order.index("airflow-api") < order.index("mongo")


def test_down_twice_and_status_say_that_nothing_runs(stack: Stack) -> None:
    assert "nothing runs" in make(stack.checkout, stack.environment, "down").stdout
    assert "nothing runs" in make(stack.checkout, stack.environment, "status").stdout


def _finished(api: AirflowApi, run: Run) -> Run:
    return _until(lambda: found if (found := api.run(run)).state in ("success", "failed") else None)


def _task_in(api: AirflowApi, run: Run, states: set[str]) -> TaskTry:
    return _until(lambda: next((task for task in api.tasks(run) if task.state in states), None))


def _until(look: Any) -> Any:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    raise AssertionError(f"nothing came within {SECONDS} s")


def _documents(stack: Stack) -> dict[str, int]:
    from pymongo import MongoClient

    with MongoClient(stack.environment["MONGO_URL"]) as client:
        database = client.get_default_database()
        return {name: database[name].count_documents({}) for name in database.list_collection_names()}
