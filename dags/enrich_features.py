"""Compute features, when bars of any timeframe are new.

The same on the command line: `lake enrich`; `lake columns` lists what is computed.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from lake_assets import FEATURES, LONGER_BARS
from lake_tasks import DEFAULT_ARGS, SYMBOLS, lake_settings, symbols_of


@dag(
    schedule=[LONGER_BARS],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "features"],
    params={"symbols": SYMBOLS},
)
def enrich_features() -> None:
    @task(outlets=[FEATURES])
    def enrich(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps.enrich import enrich_features

        return enrich_features(lake_settings(), symbols_of(params))

    enrich()


enrich_features()
