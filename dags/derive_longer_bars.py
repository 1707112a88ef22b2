"""Derive the timeframes that conf/universe.yaml names, when daily bars are new.

The still open bucket is marked incomplete and never feeds a signal.
The same on the command line: `lake derive`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from lake_assets import DAILY_BARS, LONGER_BARS
from lake_tasks import DEFAULT_ARGS, SYMBOLS, lake_settings, symbols_of


@dag(
    schedule=[DAILY_BARS],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "bars"],
    params={"symbols": SYMBOLS},
)
def derive_longer_bars() -> None:
    @task(outlets=[LONGER_BARS])
    def derive(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps.derive import derive_longer_bars

        return derive_longer_bars(lake_settings(), symbols_of(params))

    derive()


derive_longer_bars()
