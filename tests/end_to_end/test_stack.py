"""`make up` and `make down` as a stranger meets them: a fresh checkout, an empty home, real servers.

One stack serves the whole file, in the order of the tests: each builds on what the one before left.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pymongo import MongoClient

from lake.market.sessions import calendar
from stack import airflow_api
from stack.airflow_api import AirflowApi
from stack.pipeline import CHAIN, log_of, reason_in
from stack.processes import manager_of, parts, processes_of, servers
from tests.busy_database import another_writes
from tests.lakes import content
from tests.running_stack import (
    Stack,
    batch_half,
    finished,
    hosts_of,
    keys_of_topic,
    live_half,
    rows_in,
    to_be_tried_again,
    unfinished,
    until,
    wait_for_the_end_of_the_session,
)
from tests.stacks import copy_checkout, make, stack_environment


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    checkout, environment = copy_checkout(folder), stack_environment(folder / "home")
    try:
        done = make(checkout, environment, "up")
        assert done.returncode == 0, done.stdout + done.stderr
        yield Stack(checkout, environment, done.stdout)
    finally:
        make(checkout, environment, "down")


def test_the_first_up_ends_green_with_results_and_logins(stack: Stack) -> None:
    for dag_id in CHAIN:
        assert f"{dag_id}: success" in stack.first_output
    assert re.search(r"dual_channel +IBM +\d+", stack.first_output)
    assert {"1d", "1wk"} <= {row[0] for row in rows_in(stack, "SELECT DISTINCT timeframe FROM levels")}
    password = stack.installation.values["AIRFLOW_ADMIN_PASSWORD"]
    assert f"login admin / {password}" in stack.first_output
    assert not any((Path(stack.environment["HOME"])).iterdir()), "the home folder stays as it was"


def test_it_listens_on_this_machine_only(stack: Stack) -> None:
    hosts = [hosts_of(process) for process in processes_of(stack.installation)]
    assert set().union(*hosts) == {"127.0.0.1"}


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
    for name in servers(stack.installation):
        assert re.search(rf"{name} +RUNNING", done.stdout)
    assert len(servers(stack.installation)) == 9


def test_live_alerts_are_in_the_topic_the_lake_mongodb_and_the_message_file(stack: Stack) -> None:
    wait_for_the_end_of_the_session(stack)
    rows = rows_in(stack, "SELECT alert_id FROM alerts WHERE origin = 'stream' AND status = 'confirmed'")
    in_lake = {row[0] for row in rows}
    assert in_lake
    messages = (Path(stack.installation.values["LAKE_ROOT"]) / "_messages" / "alerts.log").read_text()
    with MongoClient(stack.environment["MONGO_URL"]) as client:
        documents = {each["_id"] for each in client.get_default_database()["alerts"].find({}, {"_id": 1})}
    assert in_lake <= documents
    assert in_lake <= set(re.findall(r"[0-9a-f]{64}", messages))
    assert in_lake <= keys_of_topic(stack)


def test_a_second_up_runs_the_pipeline_again_and_changes_nothing(stack: Stack) -> None:
    before, kept = batch_half(stack), live_half(stack)
    done = make(stack.checkout, stack.environment, "up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "runs already" in done.stdout
    assert "publish_documents: success" in done.stdout
    assert batch_half(stack) == before
    assert before[2]["features"] > 0
    wait_for_the_end_of_the_session(stack)
    later = live_half(stack)
    assert all(kept[name] < later[name] for name in ("candles", "alerts"))


def test_a_port_that_is_taken_is_named_before_anything_starts(stack: Stack, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {**stack_environment(tmp_path / "home"), "AIRFLOW_PORT": str(port)}
        other = copy_checkout(tmp_path)
        done = make(other, environment, "up")
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
        done = make(stack.checkout, stack.environment, "up")
    finally:
        strategies.write_text(good)
    assert done.returncode != 0
    found = re.search(r"run_sandbox: task (\w+) failed: (.+); its log is (\S+)", done.stderr)
    assert found
    assert "no_such_rule" in found[2]
    assert Path(found[3]).is_file()
    assert "Traceback" not in done.stderr


def test_maintenance_changes_no_answer(stack: Stack) -> None:
    wait_for_the_end_of_the_session(stack)
    settings = stack.settings
    before = content(settings)
    with AirflowApi(stack.installation) as api:
        assert finished(api, api.trigger("maintain_lake", {})).state == "success"
    assert content(settings) == before


def test_each_run_of_a_backfill_loads_its_own_session_and_changes_nothing_that_is_known(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_api, "TRIES", 1)
    before = content(stack.settings)
    body = {
        "dag_id": "ingest_daily_bars",
        "from_date": "2013-02-21T00:00:00Z",
        "to_date": "2013-02-27T00:00:00Z",
        "dag_run_conf": {"source": "sample"},
        "max_active_runs": 1,
    }
    with AirflowApi(stack.installation) as api:
        with another_writes(stack.installation.airflow_home / "airflow.db", "alembic_version", "version_num"):
            started = api.ask("POST", "/api/v2/backfills", json=body)["id"]
        until(lambda: api.ask("GET", f"/api/v2/backfills/{started}")["completed_at"])
        runs = api.ask("GET", "/api/v2/dags/ingest_daily_bars/dagRuns", params={"run_type": "backfill"})
        staged = {}
        for run in runs["dag_runs"]:
            assert run["state"] == "success"
            path = f"/api/v2/dags/ingest_daily_bars/dagRuns/{run['dag_run_id']}/taskInstances/merge"
            counts = api.ask("GET", f"{path}/xcomEntries/return_value", params={"deserialize": True})["value"]
            staged[run["logical_date"][:10]] = counts["bars"]["staged"]
    held = rows_in(
        stack,
        "SELECT strftime(session, '%Y-%m-%d'), count(*) FROM bars WHERE source = 'sample' "
        "AND timeframe = '1d' AND session BETWEEN '2013-02-21' AND '2013-02-26' GROUP BY ALL",
    )
    assert staged == dict(held)
    assert len(staged) == 4
    assert content(stack.settings) == before


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
        run = finished(api, api.trigger("ingest_daily_bars", form))
        task = next(task for task in api.tasks(run) if task.task_id == "plan")
    assert run.state == "failed"
    assert (task.state, task.number) == ("failed", 1)
    reason = reason_in(log_of(stack.installation, run, task))
    assert reason
    assert reason.startswith(sentence)
    assert "\n" not in reason


def test_candles_that_are_asked_for_arrive_with_the_longer_ones_and_levels(stack: Stack) -> None:
    asked = {"source": "simulated", "symbols": ["SIM07"], "from": "2024-11-29", "to": "2024-11-29"}
    with AirflowApi(stack.installation) as api:
        run = finished(api, api.trigger("ingest_intraday", asked))
        states = {task.task_id: task.state for task in api.tasks(run)}
    assert set(states.values()) == {"success"}, states
    # A half session, of 210 minutes.
    there = "FROM candles WHERE symbol = 'SIM07' AND session = '2024-11-29'"
    counts = rows_in(stack, f"SELECT timeframe, count(*) {there} GROUP BY ALL")
    assert dict(counts) == {"1m": 210, "5m": 42, "15m": 14, "30m": 7}
    levels = rows_in(stack, "SELECT DISTINCT timeframe FROM levels WHERE symbol = 'SIM07'")
    assert {"5m", "15m"} <= {row[0] for row in levels} <= {"5m", "15m", "30m"}


def test_publication_waits_for_mongodb_to_come_back(stack: Stack) -> None:
    installation = stack.installation
    server = psutil.Process(int((installation.var / "run" / "mongo.pid").read_text()))
    with AirflowApi(installation) as api:
        until(lambda: not unfinished(api, "publish_documents"))  # one on its way waits for minutes
    server.suspend()  # the manager would start a stopped one again
    try:
        with AirflowApi(installation) as api:
            ours = api.trigger("publish_documents", {})
            # One that the pipeline asked for may come first, and then ours waits for it.
            run, task = until(lambda: to_be_tried_again(api, "publish_documents"))
            assert "MongoDB" in (reason_in(log_of(installation, run, task)) or "")
            server.resume()
            assert finished(api, run).state == "success"
            assert finished(api, ours).state == "success"
    finally:
        server.resume()


def test_up_mends_what_a_killed_process_manager_left(stack: Stack) -> None:
    manager = manager_of(stack.installation)
    assert manager
    manager.kill()
    manager.wait(10)
    orphans = processes_of(stack.installation)
    assert len(orphans) > 3
    done = make(stack.checkout, stack.environment, "up")
    assert done.returncode == 0, done.stdout + done.stderr
    running = {part.name for part in parts(stack.installation) if part.state == "RUNNING"}
    assert servers(stack.installation) <= running
    assert not any(process.is_running() for process in orphans)


def test_down_leaves_no_process_and_needs_no_force(stack: Stack) -> None:
    before = [process.pid for process in processes_of(stack.installation)]
    assert len(before) > 5
    done = make(stack.checkout, stack.environment, "down")
    assert done.returncode == 0, done.stderr
    assert "none is left" in done.stdout
    assert processes_of(stack.installation) == []
    log = (stack.installation.logs / "supervisord.log").read_text()
    assert "SIGKILL" not in log
    order = re.findall(r"stopped: (\S+)", log)
    last = {name: len(order) - order[::-1].index(name) for name in order}
    assert last["worker"] < last["airflow-scheduler"] < last["airflow-api"] < last["mongo"] < last["broker"]


def test_down_twice_and_status_say_that_nothing_runs(stack: Stack) -> None:
    assert "nothing runs" in make(stack.checkout, stack.environment, "down").stdout
    assert "nothing runs" in make(stack.checkout, stack.environment, "status").stdout
