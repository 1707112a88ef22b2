"""Bring daily bars up to date, after every close of the exchange.

**plan** names the symbols in chunks, **stage** fetches and checks one chunk and puts it aside,
**merge** commits all of them as one change. Impossible rows go to quarantine with a reason.
A source that asks to be left alone is asked again when it said. **report** fails if symbols could
not be fetched, and names them; all the others are stored by then.
A run that has not succeeded within three hours is late: Airflow's home page and `lake check` say so.
From and To load a stretch anew; each run of an Airflow backfill loads its own session.
The same on the command line: `lake ingest`.
"""

from __future__ import annotations

from airflow.sdk import dag
from ingest_tasks import FRESHNESS, merge, plan, report, stage
from lake_assets import DAILY_BARS
from lake_tasks import DEFAULT_ARGS, FROM, MODE, PATH, PRICE_BASIS, SYMBOLS, TO, source_param
from session_timetable import SessionTimetable


@dag(
    schedule=SessionTimetable("XNYS", minutes_after_close=30),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    deadline=FRESHNESS,
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
    staged = stage.expand(chunk=plan())
    staged >> merge.override(outlets=[DAILY_BARS])() >> report(staged)


ingest_daily_bars()
