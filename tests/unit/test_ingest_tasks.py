"""What a run of the ingest DAGs asks for: its form, and in a backfill the one session it stands for."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import ModuleType
from typing import Any

import pytest

from tests.stacks import CHECKOUT

FORM = {
    "source": "yahoo",
    "symbols": ["AAPL"],
    "mode": "reset",
    "from": None,
    "to": None,
    "path": None,
    "price_basis": "raw",
}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Airflow's own imports warn of is not ours
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.syspath_prepend(str(CHECKOUT / "plugins"))
        yield importlib.import_module("ingest_tasks")
        for name in ("ingest_tasks", "lake_tasks", "missed_deadline"):
            sys.modules.pop(name, None)


def run_of(kind: str) -> Any:
    from airflow.sdk.api.datamodels._generated import DagRun, DagRunType

    opens_at = datetime(2024, 7, 3, 13, 30, tzinfo=UTC)
    return DagRun.model_construct(
        run_type=DagRunType(kind),
        data_interval_start=opens_at,
        data_interval_end=datetime(2024, 7, 3, 17, 0, tzinfo=UTC),
    )


def test_a_run_asks_for_what_its_form_says(tasks: ModuleType) -> None:
    for kind in ("scheduled", "manual"):
        request = tasks.asked({"params": FORM, "dag_run": run_of(kind)})
        assert (request.source, request.symbols, request.mode) == ("yahoo", ("AAPL",), "reset")
        assert (request.timeframe, request.start, request.end) == ("1d", None, None)
    form = {**FORM, "from": "2024-01-02", "to": "2024-01-31", "timeframe": "5m"}
    request = tasks.asked({"params": form, "dag_run": run_of("manual")})
    assert (request.timeframe, request.start, request.end) == ("5m", date(2024, 1, 2), date(2024, 1, 31))


def test_a_backfills_run_asks_for_its_own_session_unless_the_form_names_dates(tasks: ModuleType) -> None:
    request = tasks.asked({"params": FORM, "dag_run": run_of("backfill")})
    assert request.start == request.end == date(2024, 7, 3)
    form = {**FORM, "from": "2024-01-02"}
    request = tasks.asked({"params": form, "dag_run": run_of("backfill")})
    assert (request.start, request.end) == (date(2024, 1, 2), None)
