"""Compute features and find levels, when bars of any timeframe are new and nothing looks ahead.

First columns, level methods, rules and longer bars are computed again on a few truncated histories. One
that says something else there fails the run by its name, before anything rests on it. The same on the
command line: `lake verify --lookahead`, then `lake enrich` and `lake levels`; `lake columns` lists what is
computed.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from lake_assets import FEATURES, LEVELS, LONGER_BARS
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
    @task
    def check_lookahead(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps.lookahead import require_no_lookahead

        return require_no_lookahead(lake_settings(), symbols_of(params))

    @task(outlets=[FEATURES])
    def enrich(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps.enrich import enrich_features

        return enrich_features(lake_settings(), symbols_of(params))

    @task(outlets=[LEVELS])
    def find_levels(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps.levels import find_levels
        from lake.universe import read_universe

        settings = lake_settings()
        frames = read_universe(settings.conf_folder).daily_and_longer
        return find_levels(settings, symbols_of(params), frames)

    check_lookahead() >> [enrich(), find_levels()]


enrich_features()
