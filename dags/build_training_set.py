"""Build the training set of the present features, when they are new.

Labels are returns that could have been traded, splits follow time with purge and embargo, and a
manifest pins what went in. The same on the command line: `lake training build`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task
from lake_assets import FEATURES, TRAINING_SETS
from lake_tasks import DEFAULT_ARGS, FROM, SYMBOLS, TO, date_of, lake_settings, symbols_of


@dag(
    schedule=[FEATURES],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "training"],
    params={
        "symbols": SYMBOLS,
        "timeframe": Param("1d", type="string", title="Timeframe"),
        "from": FROM,
        "to": TO,
    },
)
def build_training_set() -> None:
    @task(outlets=[TRAINING_SETS])
    def build(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps.training import build_training_set

        return build_training_set(
            lake_settings(),
            symbols_of(params) or None,
            timeframe=params["timeframe"],
            start=date_of(params, "from"),
            end=date_of(params, "to"),
        )

    build()


build_training_set()
