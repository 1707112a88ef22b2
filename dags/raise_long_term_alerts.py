"""Raise the alerts of every rule, when features are new.

Also says where every symbol stands: its best timeframe, and buy, hold or sell (view `symbol_states`).
Rules see all history of every timeframe that they name, intraday ones included. What fired before
and does not any more becomes invalidated. The same on the command line: `lake alerts`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from lake_assets import ALERTS, FEATURES
from lake_tasks import DEFAULT_ARGS, FROM, SYMBOLS, TO, date_of, lake_settings, symbols_of


@dag(
    schedule=[FEATURES],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "alerts"],
    params={"symbols": SYMBOLS, "from": FROM, "to": TO},
)
def raise_long_term_alerts() -> None:
    @task(outlets=[ALERTS])
    def raise_alerts(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from lake.steps.alerts import raise_alerts

        return raise_alerts(
            lake_settings(),
            symbols_of(params) or None,
            start=date_of(params, "from"),
            end=date_of(params, "to"),
        )

    raise_alerts()


raise_long_term_alerts()
