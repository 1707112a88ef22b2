"""The first run: trigger the pipeline through Airflow and follow what it causes to the end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from stack.airflow_api import AirflowApi, Run, TaskTry
from stack.errors import PipelineFailed, StackFailed
from stack.installation import Installation

FIRST = "ingest_daily_bars"
LINKS = (
    (FIRST, "derive_longer_bars"),
    ("derive_longer_bars", "enrich_features"),
    ("enrich_features", "run_sandbox"),
    ("enrich_features", "build_training_set"),
    ("enrich_features", "raise_long_term_alerts"),
    ("run_sandbox", "publish_documents"),
    ("build_training_set", "publish_documents"),
    ("raise_long_term_alerts", "publish_documents"),
)
"""Which DAG starts which; one that has several causes is followed once for each."""

CHAIN = (FIRST, *dict.fromkeys(dag_id for _, dag_id in LINKS))
Followed = dict[tuple[str, str], Run]

PARSE_SECONDS = 120
STALL_SECONDS = 1_800
"""A pipeline in which nothing changes for so long is called stuck; a large universe may need hours in all."""

POLL_SECONDS = 1.0


def run_pipeline(api: AirflowApi, installation: Installation, tell: Callable[[str], None]) -> None:
    """Trigger the chain and return when every DAG of it has succeeded because of that trigger.

    Raises:
        PipelineFailed: a task failed for good; names it, its reason and its log.
        StackFailed: a DAG is missing or paused, or nothing moves any more.
    """
    _wait_until_parsed(api)
    since = datetime.now(UTC).isoformat()
    followed: Followed = {("", FIRST): api.trigger(FIRST, {})}
    told: set[str] = set()
    changed_at = time.monotonic()
    while not _is_done(followed):
        before, followed = followed, _look(api, followed, since)
        for run in followed.values():
            for news in _news(api, run, installation):
                if news not in told:
                    told.add(news)
                    tell(news)
            if run.state == "failed":
                raise PipelineFailed(_failure(api, run, installation))
        if followed != before:
            changed_at = time.monotonic()
        elif time.monotonic() - changed_at > STALL_SECONDS:
            raise StackFailed(f"nothing moved for {STALL_SECONDS} s; look at {installation.airflow_url}")
        time.sleep(POLL_SECONDS)


def _is_done(followed: Followed) -> bool:
    return all(link in followed and followed[link].state == "success" for link in LINKS)


def _look(api: AirflowApi, followed: Followed, since: str) -> Followed:
    """Return the followed runs as they stand, and with them any that they have caused."""
    found = {link: run if run.state == "success" else api.run(run) for link, run in followed.items()}
    for cause, dag_id in LINKS:
        causes = {(run.dag_id, run.run_id) for run in found.values() if run.dag_id == cause}
        if causes and (cause, dag_id) not in found and (run := _caused(api, dag_id, since, causes)):
            found[cause, dag_id] = run
    return found


def _caused(api: AirflowApi, dag_id: str, since: str, causes: set[tuple[str, str]]) -> Run | None:
    return next((run for run in api.runs(dag_id, since) if api.causes(run) & causes), None)


def _wait_until_parsed(api: AirflowApi) -> None:
    deadline = time.monotonic() + PARSE_SECONDS
    while missing := sorted(set(CHAIN) - set(found := api.dags())):
        if errors := api.import_errors():
            raise StackFailed(f"Airflow cannot read a DAG: {errors[0]}")
        if time.monotonic() > deadline:
            raise StackFailed(
                f"Airflow does not show {', '.join(missing)} after {PARSE_SECONDS} s; see `make logs`"
            )
        time.sleep(POLL_SECONDS)
    if paused := [dag_id for dag_id in CHAIN if found[dag_id]]:
        raise StackFailed(
            f"the pipeline cannot run through: {', '.join(paused)} is paused; unpause it in Airflow"
        )


def _news(api: AirflowApi, run: Run, installation: Installation) -> Iterator[str]:
    yield f"{run.dag_id}: {run.state}"
    for task in api.tasks(run) if run.state == "running" else ():
        if task.state == "up_for_retry":
            reason = _reason(installation, run, task)
            yield f"{run.dag_id}: {task.task_id} failed, will be tried again (try {task.number}){reason}"


def _failure(api: AirflowApi, run: Run, installation: Installation) -> str:
    failed = [task for task in api.tasks(run) if task.state == "failed"]
    if not failed:
        return f"{run.dag_id} failed; look at {installation.airflow_url}/dags/{run.dag_id}/runs/{run.run_id}"
    task = failed[0]
    return (
        f"{run.dag_id}: task {task.task_id} failed{_reason(installation, run, task)}; "
        f"its log is {log_of(installation, run, task)}"
    )


def _reason(installation: Installation, run: Run, task: TaskTry) -> str:
    reason = reason_in(log_of(installation, run, task))
    return f": {reason}" if reason else ""


def log_of(installation: Installation, run: Run, task: TaskTry) -> Path:
    """Return the log file of a task's last try."""
    folder = (
        installation.task_logs / f"dag_id={run.dag_id}" / f"run_id={run.run_id}" / f"task_id={task.task_id}"
    )
    if task.map_index >= 0:
        folder /= f"map_index={task.map_index}"
    return folder / f"attempt={task.number}.log"


def reason_in(log: Path) -> str | None:
    """Return the message of the last exception in a task's log (JSON lines); None if it has none."""
    reason = None
    for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
        if '"error_detail"' in line:
            errors = json.loads(line).get("error_detail") or []
            reason = errors[0]["exc_value"] if errors else reason
    return reason
