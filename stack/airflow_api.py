"""The few questions the stack asks Airflow's REST API."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from stack.errors import StackFailed
from stack.installation import Installation

TIMEOUT_SECONDS = 30.0
TRIES = 5
RETRY_SECONDS = 1.0
COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a DAG; `state` is queued, running, success or failed."""

    dag_id: str
    run_id: str
    state: str = "queued"


@dataclass(frozen=True, slots=True)
class TaskTry:
    """The last try of one task; `map_index` is -1 unless the task is mapped."""

    task_id: str
    map_index: int
    number: int
    state: str | None


def unhealthy(installation: Installation) -> list[str]:
    """Return the parts of Airflow that are not healthy; all of them while nobody answers."""
    try:
        answer = httpx.get(
            f"{installation.airflow_url}/api/v2/monitor/health", trust_env=False, timeout=TIMEOUT_SECONDS
        )
        health = answer.json() if answer.is_success else {}
    except (httpx.HTTPError, ValueError):
        return list(COMPONENTS)
    return [name for name in COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]


class AirflowApi:
    """A session with Airflow's REST API, logged in as admin."""

    def __init__(self, installation: Installation) -> None:
        self._login = {"username": "admin", "password": installation.values["AIRFLOW_ADMIN_PASSWORD"]}
        # A proxy of the environment is for the outside world, never for this machine.
        self._client = httpx.Client(
            base_url=installation.airflow_url, trust_env=False, timeout=TIMEOUT_SECONDS
        )

    def __enter__(self) -> Self:
        token = self.ask("POST", "/auth/token", json=self._login)["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._client.close()

    def dags(self) -> dict[str, bool]:
        """Return every DAG that Airflow has parsed, and whether it is paused."""
        found = self.ask("GET", "/api/v2/dags", params={"limit": 100})["dags"]
        return {dag["dag_id"]: dag["is_paused"] for dag in found}

    def import_errors(self) -> list[str]:
        """Return what stopped DAG files from being parsed: file and last line of the trace."""
        found = self.ask("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{e['filename']}: {e['stack_trace'].strip().splitlines()[-1]}" for e in found]

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> Run:
        """Start a run by hand and return it; its name is ours, so that asking twice starts one."""
        run = Run(dag_id, f"manual__{datetime.now(UTC).isoformat()}")
        body = {"logical_date": None, "conf": conf, "dag_run_id": run.run_id}
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        answer = self._answer("POST", path, json=body)
        if answer.status_code == httpx.codes.CONFLICT:  # an answer of 500 came after all was done
            return self.run(run)
        return Run(dag_id, run.run_id, _understood("POST", path, answer)["state"])

    def run(self, run: Run) -> Run:
        """Return a run as it stands now."""
        return Run(run.dag_id, run.run_id, self.ask("GET", _path(run))["state"])

    def runs(self, dag_id: str, since: str) -> list[Run]:
        """Return the runs of a DAG that became due at or after `since` (ISO 8601)."""
        params = {"run_after_gte": since, "order_by": "run_after", "limit": 100}
        found = self.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=params)["dag_runs"]
        return [Run(dag_id, run["dag_run_id"], run["state"]) for run in found]

    def causes(self, run: Run) -> set[tuple[str, str]]:
        """Return the runs, as DAG and run id, whose asset events started this one; none while unknown.

        Airflow 3.3 answers with 500 as long as any run that these events started is still queued.
        """
        answer = self._answer("GET", f"{_path(run)}/upstreamAssetEvents")
        found = answer.json()["asset_events"] if answer.is_success else []
        return {(event["source_dag_id"], event["source_run_id"]) for event in found}

    def tasks(self, run: Run) -> list[TaskTry]:
        """Return the last try of every task of a run."""
        found = self.ask("GET", f"{_path(run)}/taskInstances", params={"limit": 1000})["task_instances"]
        return [TaskTry(t["task_id"], t["map_index"], t["try_number"], t["state"]) for t in found]

    def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Return the answer to any request.

        Raises:
            StackFailed: Airflow refused it or did not answer.
        """
        return _understood(method, path, self._answer(method, path, **options))

    def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer, asked again where nothing was done.

        That is: where the database was locked for longer than Airflow waits; and for a question that a
        server did not answer, since it may close an idle connection.
        """
        tries = TRIES
        while True:
            tries -= 1
            try:
                answer = self._client.request(method, path, **options)
                if not _was_locked(answer) or not tries:
                    return answer
            except httpx.HTTPError as error:
                if method != "GET" or not tries:
                    raise StackFailed(
                        f"Airflow did not answer {method} {path}: {error!r}; see `make logs`"
                    ) from error
            time.sleep(RETRY_SECONDS)


def _was_locked(answer: httpx.Response) -> bool:
    """Return whether Airflow could not use its database: 503, or 500 for a statement that failed."""
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE or (
        answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR and '"Database error"' in answer.text
    )


def _understood(method: str, path: str, answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise StackFailed(f"Airflow answered {method} {path} with {answer.status_code}: {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found


def _path(run: Run) -> str:
    return f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}"
