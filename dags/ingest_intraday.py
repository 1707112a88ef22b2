"""Bring candles up to date after every close of the exchange, and derive 5, 15 and 30 minutes from 1.

**plan** names the symbols in chunks, **stage** fetches and checks one chunk and puts it aside,
**merge** commits all of them as one change, **derive** makes the longer candles of the minutes and
**find_levels** their support and resistance.
It does nothing while conf/universe.yaml names a source that has only days, as the sample does: choose
yahoo or simulated there, or start it with a source. **report** fails if symbols could not be fetched,
and names them; all the others are stored by then.
A run that has not succeeded within three hours is late: Airflow's home page and `lake check` say so.
From and To load a stretch anew; each run of an Airflow backfill loads its own session.
The same on the command line: `lake ingest --timeframe 1m`, then `lake derive` and `lake levels`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task
from ingest_tasks import FRESHNESS, asked, merge, plan, report, stage
from lake_assets import INTRADAY_BARS, LEVELS
from lake_tasks import DEFAULT_ARGS, FROM, MODE, PATH, PRICE_BASIS, SYMBOLS, TO, lake_settings, source_param
from session_timetable import SessionTimetable


@dag(
    schedule=SessionTimetable("XNYS", minutes_after_close=45),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    deadline=FRESHNESS,
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
    @task(outlets=[INTRADAY_BARS])
    def derive() -> dict[str, Any]:
        from airflow.sdk import get_current_context

        from lake.steps import candles

        return candles.derive_candles(lake_settings(), asked(get_current_context()))

    @task(outlets=[LEVELS])
    def find_levels() -> dict[str, Any]:
        from airflow.sdk import get_current_context

        from lake.steps import candles

        return candles.find_candle_levels(lake_settings(), asked(get_current_context()))

    staged = stage.expand(chunk=plan())
    staged >> merge() >> derive() >> find_levels() >> report(staged)


ingest_intraday()
