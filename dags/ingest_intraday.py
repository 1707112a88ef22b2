"""Bring candles up to date after every close of the exchange, and derive 5, 15 and 30 minutes from 1.

**plan** names the symbols in chunks, **stage** fetches and checks one chunk and puts it aside,
**merge** commits all of them as one change, **derive** makes the longer candles of the minutes.
It does nothing while conf/universe.yaml names a source that has only days, as the sample does: choose
yahoo or simulated there, or start it with a source. **report** fails if symbols could not be fetched,
and names them; all the others are stored by then.
The same on the command line: `lake ingest --timeframe 1m`, then `lake derive`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task
from lake_assets import INTRADAY_BARS
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
    schedule=SessionTimetable("XNYS", minutes_after_close=45),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "bars"],
    params={
        "source": source_param("files", "simulated", "yahoo"),
        "symbols": SYMBOLS,
        "timeframe": Param(
            "1m",
            type="string",
            enum=["1m", "5m", "15m", "30m"],
            title="Timeframe",
            description="What is fetched; 5, 15 and 30 minutes are derived from 1 as well.",
        ),
        "mode": MODE,
        "from": FROM,
        "to": TO,
        "path": PATH,
        "price_basis": PRICE_BASIS,
    },
)
def ingest_intraday() -> None:
    @task
    def plan(params: dict[str, Any] | None = None) -> list[list[str]]:
        from airflow.sdk.exceptions import AirflowSkipException

        from lake.steps import candles, ingest

        request = request_of(params, params["timeframe"])
        if params["source"] is None and (why := candles.nothing_to_fetch(request)):
            raise AirflowSkipException(why)
        return ingest.plan(lake_settings(), request)

    @task(map_index_template="{{ first_symbol }}", retries=PATIENT_RETRIES)
    def stage(chunk: list[str], run_id: str | None = None, params: dict[str, Any] | None = None) -> Any:
        from airflow.sdk import get_current_context

        from lake.steps import ingest

        get_current_context()["first_symbol"] = chunk[0]
        return ingest.stage(lake_settings(), request_of(params, params["timeframe"]), run_id, chunk)

    @task
    def merge(run_id: str | None = None, params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps import ingest

        return ingest.merge(lake_settings(), request_of(params, params["timeframe"]), run_id)

    @task(outlets=[INTRADAY_BARS])
    def derive(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps import candles

        return candles.derive_candles(lake_settings(), request_of(params, params["timeframe"]))

    @task
    def report(staged: list[dict[str, Any]]) -> None:
        from lake.steps import ingest

        ingest.refuse_problems(staged)

    staged = stage.expand(chunk=plan())
    staged >> merge() >> derive() >> report(staged)


ingest_intraday()
