"""Trade every strategy, when features are new: signals at the close, fills at the next open.

Repeating a run with the same inputs adds nothing. The same on the command line: `lake sandbox`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task
from lake_assets import FEATURES, SANDBOX_RESULTS
from lake_tasks import DEFAULT_ARGS, FROM, SYMBOLS, TO, date_of, lake_settings, symbols_of


@dag(
    schedule=[FEATURES],
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "sandbox"],
    params={
        "strategy": Param(
            None,
            type=["null", "string"],
            title="Strategy",
            description="Empty: every strategy of conf/strategies.yaml.",
        ),
        "symbols": SYMBOLS,
        "from": FROM,
        "to": TO,
        "commission_bps": Param(5.0, type="number", minimum=0, title="Commission, basis points"),
        "slippage_bps": Param(5.0, type="number", minimum=0, title="Slippage, basis points"),
        "cash": Param(10_000.0, type="number", exclusiveMinimum=0, title="Cash of every account"),
    },
)
def run_sandbox() -> None:
    @task
    def name_strategies(params: dict[str, Any] | None = None) -> list[str]:
        from lake.rules.language import read_rules
        from lake.sandbox.strategies import read_strategies

        if params["strategy"]:
            return [params["strategy"]]
        folder = lake_settings().conf_folder
        return sorted(read_strategies(folder / "strategies.yaml", read_rules(folder)))

    @task(map_index_template="{{ strategy }}")
    def trade(strategy: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        from airflow.sdk import get_current_context

        from lake.steps.sandbox import run_sandbox

        get_current_context()["strategy"] = strategy
        return run_sandbox(
            lake_settings(),
            strategy,
            symbols_of(params),
            start=date_of(params, "from"),
            end=date_of(params, "to"),
            commission_bps=params["commission_bps"],
            slippage_bps=params["slippage_bps"],
            cash=params["cash"],
        )

    @task(outlets=[SANDBOX_RESULTS])
    def announce(results: list[dict[str, Any]]) -> int:
        return len(list(results))

    announce(trade.expand(strategy=name_strategies()))


run_sandbox()
