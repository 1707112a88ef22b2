"""Bring daily bars up to date, after every close of the exchange.

**plan** names the symbols in chunks, **stage** fetches and checks one chunk and puts it aside,
**merge** commits all of them as one change. Impossible rows go to quarantine with a reason.
A source that asks to be left alone is asked again when it said. **report** fails if symbols could
not be fetched, and names them; all the others are stored by then.
The same on the command line: `lake ingest`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from lake_assets import DAILY_BARS
from lake_tasks import (
    DEFAULT_ARGS,
    FROM,
    MODE,
    PATH,
    PATIENT_RETRIES,
    PRICE_BASIS,
    SYMBOLS,
    TO,
    lake_settings,
    request_of,
    source_param,
)
from session_timetable import SessionTimetable


@dag(
    schedule=SessionTimetable("XNYS", minutes_after_close=30),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "bars"],
    params={
        "source": source_param("files", "sample", "simulated", "yahoo"),
        "symbols": SYMBOLS,
        "mode": MODE,
        "from": FROM,
        "to": TO,
        "path": PATH,
        "price_basis": PRICE_BASIS,
    },
)
def ingest_daily_bars() -> None:
    @task
    def plan(params: dict[str, Any] | None = None) -> list[list[str]]:
        from lake.steps import ingest

        return ingest.plan(lake_settings(), request_of(params))

    @task(map_index_template="{{ first_symbol }}", retries=PATIENT_RETRIES)
    def stage(chunk: list[str], run_id: str | None = None, params: dict[str, Any] | None = None) -> Any:
        from airflow.sdk import get_current_context

        from lake.steps import ingest

        get_current_context()["first_symbol"] = chunk[0]
        return ingest.stage(lake_settings(), request_of(params), run_id, chunk)

    @task(outlets=[DAILY_BARS])
    def merge(run_id: str | None = None, params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps import ingest

        return ingest.merge(lake_settings(), request_of(params), run_id)

    @task
    def report(staged: list[dict[str, Any]]) -> None:
        from lake.steps import ingest

        ingest.refuse_problems(staged)

    staged = stage.expand(chunk=plan())
    staged >> merge() >> report(staged)


ingest_daily_bars()
