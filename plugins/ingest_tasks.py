"""What both ingests are made of: plan, stage, merge and report. The form says the rest."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import AsyncCallback, DeadlineAlert, DeadlineReference, task
from lake_tasks import PATIENT_RETRIES, lake_settings, request_of
from missed_deadline import tell

if TYPE_CHECKING:
    from airflow.sdk import Context

    from lake.sources.base import IngestRequest

FRESH_WITHIN = timedelta(hours=3)
"""How long a run may take from when it was due; a host that refuses is asked again meanwhile."""

FRESHNESS = DeadlineAlert(
    reference=DeadlineReference.DAGRUN_QUEUED_AT,
    interval=FRESH_WITHIN,
    callback=AsyncCallback(tell),
    name="fresh within 3 hours",
)


@task
def plan() -> list[list[str]]:
    """Name the symbols in chunks; skip the run if nobody asked and the source has nothing of the kind."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from lake.steps import candles, ingest

    request = asked(get_current_context())
    is_asked_for = get_current_context()["params"]["source"] is not None
    if not is_asked_for and request.timeframe != "1d" and (why := candles.nothing_to_fetch(request)):
        raise AirflowSkipException(why)
    return ingest.plan(lake_settings(), request)


@task(map_index_template="{{ first_symbol }}", retries=PATIENT_RETRIES)
def stage(chunk: list[str], run_id: str | None = None) -> Any:
    """Fetch and check one chunk and put it aside."""
    from airflow.sdk import get_current_context

    from lake.steps import ingest

    context = get_current_context()
    context["first_symbol"] = chunk[0]
    return ingest.stage(lake_settings(), asked(context), run_id, chunk)


@task
def merge(run_id: str | None = None) -> dict[str, Any]:
    """Commit what was staged as one change."""
    from airflow.sdk import get_current_context

    from lake.steps import ingest

    return ingest.merge(lake_settings(), asked(get_current_context()), run_id)


@task
def report(staged: list[dict[str, Any]]) -> None:
    """Fail if symbols could not be fetched, else note that the bars are fresh."""
    from airflow.sdk import get_current_context

    from lake.steps import freshness, ingest

    ingest.refuse_problems(staged)
    freshness.note_fresh(lake_settings(), get_current_context()["dag"].dag_id)


def asked(context: Context) -> IngestRequest:
    """Return what a run asks for: its form, and of a backfill's run the one session that it stands for."""
    params = dict(context["params"])
    dag_run = context["dag_run"]
    if dag_run.run_type == "backfill" and not (params["from"] or params["to"]):
        params["from"] = params["to"] = session_of(dag_run.data_interval_start)
    return request_of(params)


def session_of(opens_at: Any) -> str:
    """Return the date of the session that opens at a moment."""
    day: date = opens_at.date()
    return day.isoformat()
