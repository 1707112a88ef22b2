"""The DAG files as Airflow's processor reads them, in a process and an Airflow home of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lake.sources import source_names
from stack.pipeline import CHAIN
from tests.stacks import CHECKOUT, airflow_environment

HEAVY = ("pandas", "pyarrow", "numpy", "duckdb", "deltalake", "numba", "talib", "sklearn", "pymongo")

READ = f"""
import json, logging, sys
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
bag = DagBag()
def params_of(dag):
    return {{name: param.schema for name, param in dag.params.items()}}
from airflow.serialization.serialized_objects import DagSerialization
print(json.dumps({{
    "errors": bag.import_errors,
    "heavy": sorted(name for name in {HEAVY} if name in set(sys.modules) - before),
    "dags": {{dag_id: {{
        "file": dag.fileloc,
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "params": params_of(dag),
        "tasks": {{task.task_id: {{
            "retries": task.retries,
            "backoff": task.retry_exponential_backoff,
            "has_policy": task.retry_policy is not None,
            "outlets": [asset.name for asset in task.outlets],
            "after": sorted(task.upstream_task_ids),
        }} for task in dag.tasks}},
        "deadline": DagSerialization.to_dict(dag)["dag"].get("deadline"),
        "schedule": DagSerialization.to_dict(dag)["dag"]["timetable"],
    }} for dag_id, dag in bag.dags.items()}},
}}))
"""


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", READ],
        env=airflow_environment(tmp_path_factory.mktemp("dags")),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_file_is_one_dag_of_its_name(bag: dict[str, Any]) -> None:
    assert bag["errors"] == {}
    assert {dag_id: Path(dag["file"]).stem for dag_id, dag in bag["dags"].items()} == {
        path.stem: path.stem for path in (CHECKOUT / "dags").glob("*.py")
    }
    assert set(CHAIN) | {"maintain_lake", "ingest_intraday"} == set(bag["dags"])


def test_parsing_imports_nothing_heavy(bag: dict[str, Any]) -> None:
    assert bag["heavy"] == []


def test_every_dag_runs_once_at_a_time_and_says_what_it_does(bag: dict[str, Any]) -> None:
    for dag in bag["dags"].values():
        assert dag["max_active_runs"] == 1
        assert dag["catchup"] is False
        assert "lake" in dag["tags"]
        assert len(dag["doc"].splitlines()) > 2
        assert "\n    " not in dag["doc"]  # which a page would show as code


def test_every_task_is_tried_again_with_growing_pauses_unless_the_user_erred(bag: dict[str, Any]) -> None:
    for dag in bag["dags"].values():
        for name, task in dag["tasks"].items():
            # A host may ask for more patience than a disk.
            assert task["retries"] == (20 if name == "stage" else 3)
            assert task["backoff"] == 2.0
            assert task["has_policy"]


def test_assets_join_the_pipeline(bag: dict[str, Any]) -> None:
    made = {
        (asset, dag_id)
        for dag_id, dag in bag["dags"].items()
        for task in dag["tasks"].values()
        for asset in task["outlets"]
    }
    assert made == {
        ("daily_bars", "ingest_daily_bars"),
        ("intraday_bars", "ingest_intraday"),
        ("levels", "ingest_intraday"),
        ("longer_bars", "derive_longer_bars"),
        ("features", "enrich_features"),
        ("levels", "enrich_features"),
        ("alerts", "raise_long_term_alerts"),
        ("sandbox_results", "run_sandbox"),
        ("training_sets", "build_training_set"),
    }
    assert _needs(bag, "derive_longer_bars") == {"daily_bars"}
    assert _needs(bag, "enrich_features") == {"longer_bars"}
    assert _needs(bag, "run_sandbox") == {"features"}
    assert _needs(bag, "raise_long_term_alerts") == {"features"}
    assert _needs(bag, "build_training_set") == {"features"}
    assert _needs(bag, "publish_documents") == {"sandbox_results", "training_sets", "alerts"}
    assert "asset_any" in json.dumps(bag["dags"]["publish_documents"]["schedule"])


def test_features_and_levels_wait_for_the_lookahead_gate(bag: dict[str, Any]) -> None:
    tasks = bag["dags"]["enrich_features"]["tasks"]
    assert tasks["check_lookahead"]["after"] == []
    assert tasks["enrich"]["after"] == tasks["find_levels"]["after"] == ["check_lookahead"]
    assert tasks["check_lookahead"]["outlets"] == []


def test_ingest_follows_the_sessions_of_new_york(bag: dict[str, Any]) -> None:
    for name in ("ingest_daily_bars", "ingest_intraday"):
        schedule = json.dumps(bag["dags"][name]["schedule"])
        assert "session_timetable.SessionTimetable" in schedule
        assert "XNYS" in schedule


def test_ingests_have_a_deadline_that_counts_from_when_they_were_due(bag: dict[str, Any]) -> None:
    for name, dag in bag["dags"].items():
        text = json.dumps(dag["deadline"])
        if name.startswith("ingest_"):
            assert "DagRunQueuedAtDeadline" in text and "missed_deadline.tell" in text and "10800" in text
        else:
            assert text == "null"


def test_the_form_of_ingest_offers_every_source(bag: dict[str, Any]) -> None:
    params = bag["dags"]["ingest_daily_bars"]["params"]
    assert set(params) == {"source", "symbols", "mode", "from", "to", "path", "price_basis"}
    assert params["source"]["enum"] == [None, *sorted(source_names())]
    assert params["mode"]["enum"] == ["catch-up", "reset"]
    assert params["from"]["format"] == "date"
    assert "array" in params["symbols"]["type"]


def test_the_form_of_candles_offers_every_source_that_has_them(bag: dict[str, Any]) -> None:
    params = bag["dags"]["ingest_intraday"]["params"]
    assert set(params) == {*bag["dags"]["ingest_daily_bars"]["params"], "timeframe"}
    assert params["source"]["enum"] == [None, *sorted(set(source_names()) - {"sample"})]
    assert params["timeframe"]["enum"] == ["1m", "5m", "15m", "30m"]


def _needs(bag: dict[str, Any], dag_id: str) -> set[str]:
    text = json.dumps(bag["dags"][dag_id]["schedule"])
    names = ("daily_bars", "longer_bars", "features", "sandbox_results", "training_sets", "alerts")
    return {name for name in names if f'"{name}"' in text}
