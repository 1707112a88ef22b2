"""The gate as a task of the real Airflow: a cheat fails the run before anything is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cheats import plant
from tests.lakes import run_lake, settings_of, table_versions
from tests.stacks import airflow_environment, copy_checkout

RUN = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)
from airflow.dag_processing.dagbag import DagBag
run = DagBag().dags["enrich_features"].test()
print("STATES", run.state, *sorted(f"{each.task_id}={each.state}" for each in run.get_task_instances()))
"""


@pytest.mark.slow
def test_a_cheat_fails_the_run_by_name_before_features_are_written(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path)
    plant(checkout)
    environment = airflow_environment(tmp_path, checkout)
    root = Path(environment["LAKE_ROOT"])
    done = run_lake(root, "ingest", "--source", "sample", "--symbols", "FB")
    assert done.returncode == 0, done.stderr
    versions = table_versions(settings_of(root))
    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=checkout, env=environment, capture_output=True, text=True
    )
    log = done.stdout + done.stderr
    assert "check_lookahead=failed" in log, log
    assert "enrich=upstream_failed" in log
    assert "STATES failed" in log
    for culprit in (
        "column close_tomorrow",
        "column close_scaled",
        "column centred_mean",
        "level method early",
    ):
        assert f"expected {culprit} to use no bar after its own, found FB 1d" in log
    assert table_versions(settings_of(root)) == versions
