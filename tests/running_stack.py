"""A stack that runs for tests, and what they ask of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pymongo import MongoClient

from lake.alerts.alert import decode
from lake.config import Settings, load_settings
from lake.market.sessions import calendar
from lake.market.timeframes import INTRADAY_MINUTES
from lake.store.catalog import connect
from lake.store.lake import Lake
from stack.airflow_api import AirflowApi, Run, TaskTry
from stack.dotenv import values_of
from stack.installation import Installation, find_installation
from stack.processes import SIMULATION, parts
from tests.lakes import content, table_versions

LIVE = ("candles", "alerts", "notifications", "dead_letters", "publications")
"""Tables and collections that another simulated session adds to."""

SECONDS = 900
"""No test waits that long unless something is stuck."""


@dataclass(frozen=True)
class Stack:
    """A checkout, the environment its commands run in, and what the first `make up` said."""

    checkout: Path
    environment: dict[str, str]
    first_output: str

    @property
    def settings(self) -> Settings:
        return load_settings(lake_home=self.checkout, lake_root=self.installation.values["LAKE_ROOT"])

    @property
    def installation(self) -> Installation:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AIRFLOW_PORT", "SUPERSET_PORT", "SIMULATION_SPEED", "MONGO_URL", "HOME"):
                patch.setenv(name, self.environment[name])
            patch.delenv("LAKE_ROOT", raising=False)
            return find_installation(self.checkout)


def hosts_of(process: psutil.Process) -> set[str]:
    """Return the addresses that a process listens at; those of a task that has ended meanwhile are none."""
    try:
        found = process.net_connections("inet")
    except psutil.NoSuchProcess:
        return set()
    return {each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN}


def finished(api: AirflowApi, run: Run) -> Run:
    """Return a run once it has ended."""
    return until(lambda: found if (found := api.run(run)).state in ("success", "failed") else None)


def unfinished(api: AirflowApi, dag_id: str) -> list[Run]:
    """Return the runs of a DAG that wait or are on their way."""
    found = api.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"state": ["queued", "running"]})
    return [Run(dag_id, each["dag_run_id"], each["state"]) for each in found["dag_runs"]]


def to_be_tried_again(api: AirflowApi, dag_id: str) -> tuple[Run, TaskTry] | None:
    """Return a run of a DAG that has a task which failed and will be tried again, and that task."""
    tries = ((run, task) for run in unfinished(api, dag_id) for task in api.tasks(run))
    return next(((run, task) for run, task in tries if task.state == "up_for_retry"), None)


def until(look: Any) -> Any:
    """Return what `look` says once it is true."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    raise AssertionError(f"nothing came within {SECONDS} s")


def batch_half(stack: Stack) -> tuple[dict[str, str], dict[str, int], dict[str, int]]:
    """Return digests, versions and documents of everything that a simulated session leaves alone."""
    found = content(stack.settings), table_versions(stack.settings), documents_in(stack)
    return tuple({name: each[name] for name in each if name not in LIVE} for each in found)  # type: ignore[return-value]


def live_half(stack: Stack) -> dict[str, set[Any]]:
    """Return the current candles and the alerts of the stream."""
    return {
        "candles": set(rows_in(stack, "SELECT symbol, timeframe, ts, close, volume FROM candles")),
        "alerts": set(rows_in(stack, "SELECT alert_id, status FROM alerts WHERE origin = 'stream'")),
    }


def rows_in(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    """Return the answer of the stack's lake."""
    return connect(Lake.open(stack.settings)).execute(query).fetchall()


def wait_for_the_end_of_the_session(stack: Stack) -> None:
    """Return once the simulation has ended and every alert of its session is delivered."""

    def is_over() -> bool:
        ended = any(part.name == SIMULATION and part.state == "EXITED" for part in parts(stack.installation))
        ((newest,),) = rows_in(stack, "SELECT max(closes_at) FROM candles")
        ((waiting,),) = rows_in(
            stack, "SELECT count(*) FROM alerts WHERE origin = 'stream' AND delivered_at IS NULL"
        )
        closes = calendar("XNYS").closes_at
        return ended and np.datetime64(newest.replace(tzinfo=None)) in closes and waiting == 0

    until(is_over)


def keys_of_topic(stack: Stack) -> set[str]:
    """Return the ids of the alerts in topic `alerts`."""
    from confluent_kafka import Consumer, TopicPartition

    servers_of = dict(values_of(stack.installation.broker_file))["KAFKA_BOOTSTRAP_SERVERS"]
    consumer = Consumer({"bootstrap.servers": servers_of, "group.id": "test", "enable.partition.eof": True})
    partitions = list(consumer.list_topics("alerts").topics["alerts"].partitions)
    consumer.assign([TopicPartition("alerts", number, 0) for number in partitions])
    found, ends = set[str](), 0
    while ends < len(partitions):
        message = consumer.poll(10)
        assert message is not None
        if message.error():
            ends += 1
        else:
            found.add(decode(message.value()).alert_id)
    consumer.close()
    return found


def documents_in(stack: Stack) -> dict[str, int]:
    """Return how many documents each collection has, those of intraday bars aside."""
    batch = {"timeframe": {"$nin": list(INTRADAY_MINUTES)}}
    with MongoClient(stack.environment["MONGO_URL"]) as client:
        database = client.get_default_database()
        return {name: database[name].count_documents(batch) for name in database.list_collection_names()}
