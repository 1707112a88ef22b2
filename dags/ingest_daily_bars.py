"""Bring daily bars up to date, after every close of the exchange.

**plan** names the symbols in chunks, **stage** fetches and checks one chunk and puts it aside,
**merge** commits all of them as one change. Impossible rows go to quarantine with a reason.
The same on the command line: `lake ingest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Param, dag, task
from lake_assets import DAILY_BARS
from lake_tasks import DEFAULT_ARGS, FROM, SYMBOLS, TO, date_of, lake_settings, symbols_of
from session_timetable import SessionTimetable

if TYPE_CHECKING:
    from lake.sources.base import IngestRequest


@dag(
    schedule=SessionTimetable("XNYS", minutes_after_close=30),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "bars"],
    params={
        "source": Param(
            None,
            type=["null", "string"],
            enum=[None, "files", "sample"],
            values_display={"None": "as in conf/universe.yaml"},
            title="Source",
        ),
        "symbols": SYMBOLS,
        "mode": Param(
            "catch-up",
            type="string",
            enum=["catch-up", "reset"],
            title="Mode",
            description="reset fetches everything anew and closes what the source no longer has.",
        ),
        "from": FROM,
        "to": TO,
        "path": Param(
            None, type=["null", "string"], title="Path", description="File or folder, for source files."
        ),
        "price_basis": Param(
            "raw",
            type="string",
            enum=["raw", "split"],
            title="Price basis",
            description="What the delivered prices are: as traded, or already divided by later splits.",
        ),
    },
)
def ingest_daily_bars() -> None:
    @task
    def plan(params: dict[str, Any] | None = None) -> list[list[str]]:
        from lake.steps import ingest

        return ingest.plan(lake_settings(), _request(params))

    @task(map_index_template="{{ first_symbol }}")
    def stage(chunk: list[str], run_id: str | None = None, params: dict[str, Any] | None = None) -> Any:
        from airflow.sdk import get_current_context

        from lake.steps import ingest

        get_current_context()["first_symbol"] = chunk[0]
        return ingest.stage(lake_settings(), _request(params), run_id, chunk)

    @task(outlets=[DAILY_BARS])
    def merge(run_id: str | None = None, params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps import ingest

        return ingest.merge(lake_settings(), _request(params), run_id)

    stage.expand(chunk=plan()) >> merge()


def _request(params: dict[str, Any]) -> IngestRequest:
    from lake.steps.ingest import default_request

    return default_request(
        lake_settings(),
        source=params["source"],
        symbols=symbols_of(params),
        mode=params["mode"],
        path=params["path"],
        start=date_of(params, "from"),
        end=date_of(params, "to"),
        price_basis=params["price_basis"],
    )


ingest_daily_bars()
