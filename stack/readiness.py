"""Waiting: nothing is called ready before it answers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import httpx

from lake.ports import is_taken
from stack.airflow_api import unhealthy
from stack.environment import environment_of
from stack.errors import StackFailed
from stack.installation import Installation
from stack.processes import parts
from stack.wait import broker_answers

START_SECONDS = 180
POLL_SECONDS = 0.5


def migrate_airflow(installation: Installation) -> None:
    """Bring Airflow's own database up to the installed version; done already costs nothing.

    Raises:
        StackFailed: the migration failed; names its log.
    """
    from importlib.metadata import version

    stamp, log = installation.airflow_home / "migrated", installation.logs / "airflow-migrate.log"
    installed = version("apache-airflow")
    if (
        stamp.exists()
        and stamp.read_text() == installed
        and (installation.airflow_home / "airflow.db").exists()
    ):
        return
    with log.open("wb") as file:
        done = subprocess.run(
            [installation.bin / "airflow", "db", "migrate"],
            env=environment_of(installation),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        raise StackFailed(f"`airflow db migrate` ended with {done.returncode}; see {log}")
    stamp.write_text(installed)


def wait_for_mongo(installation: Installation) -> None:
    """Return once the embedded MongoDB accepts connections."""
    port = installation.mongo_address[1]
    _wait(installation, lambda: [] if is_taken(port) else ["mongo"])


def wait_for_broker(installation: Installation) -> None:
    """Return once the stack's own broker has said where it is and listens there."""
    _wait(installation, lambda: [] if broker_answers(installation) else ["broker"])


def wait_for_superset(installation: Installation) -> None:
    """Return once Superset answers, with its dashboards imported."""
    _wait(installation, lambda: [] if _is_healthy(f"{installation.superset_url}/health") else ["superset"])


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=POLL_SECONDS * 10).is_success
    except httpx.HTTPError:
        return False


def wait_for_airflow(installation: Installation) -> None:
    """Return once all four parts of Airflow say that they are healthy."""
    _wait(installation, lambda: unhealthy(installation))


def _wait(installation: Installation, missing: Callable[[], list[str]]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while names := missing():
        if dead := [part for part in parts(installation) if part.state == "FATAL"]:
            raise StackFailed(
                f"{dead[0].name} does not start: {dead[0].description}; "
                f"see {installation.logs / dead[0].name}.log"
            )
        if time.monotonic() > deadline:
            raise StackFailed(
                f"{', '.join(names)} not ready within {START_SECONDS} s; see {installation.logs}"
            )
        time.sleep(POLL_SECONDS)
