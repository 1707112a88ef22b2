"""The dashboards as files: stable ids, columns that the served views have, no SQL of their own."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from lake.config import Settings
from lake.serve.build import build
from lake.store.lake import Lake

CHECKOUT = Path(__file__).resolve().parent.parent.parent
ASSETS = CHECKOUT / "superset" / "assets"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "stock-alert-lakehouse")


def assets(kind: str) -> dict[str, dict[str, Any]]:
    """Return the assets of a kind by the names of their files."""
    found = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ASSETS / kind).glob("*.yaml"))}
    assert found
    return found


@pytest.mark.parametrize("kind", ["databases", "datasets", "charts", "dashboards"])
def test_ids_follow_from_names(kind: str) -> None:
    """An asset's id is the hash of its path, so an import meets the same one again."""
    for name, asset in assets(kind).items():
        assert asset["uuid"] == str(uuid.uuid5(NAMESPACE, f"{kind}/{name}.yaml"))


def test_datasets_are_the_served_views(settings: Settings) -> None:
    """Each dataset has the columns of its view, each view has a dataset, and no dataset has SQL."""
    served = build(Lake.open(settings), settings.local_folder / "_served")
    query = """
        SELECT table_name, list(column_name ORDER BY column_index)
        FROM duckdb_columns() WHERE NOT internal GROUP BY ALL
    """
    with duckdb.connect(str(served.path), read_only=True) as con:
        views = dict(con.execute(query).fetchall())
    datasets = assets("datasets")
    assert {
        name: [column["column_name"] for column in each["columns"]] for name, each in datasets.items()
    } == views
    assert [each["sql"] for each in datasets.values()] == [None] * len(views)


def test_charts_ask_for_columns_and_metrics_of_their_datasets() -> None:
    """A chart names nothing that its dataset does not have."""
    datasets = {each["uuid"]: each for each in assets("datasets").values()}
    for name, chart in assets("charts").items():
        dataset, params = datasets[chart["dataset_uuid"]], chart["params"]
        columns = {column["column_name"] for column in dataset["columns"]}
        metrics = {metric["metric_name"] for metric in dataset["metrics"]}
        asked = {
            *params.get("all_columns", []),
            *params.get("groupby", []),
            *filter(None, [params.get("x_axis")]),
        }
        counted = {*params.get("metrics", []), *filter(None, [params.get("metric")])}
        assert asked <= columns and counted <= metrics, name


def test_every_chart_is_on_a_dashboard_and_every_filter_has_a_view() -> None:
    """Positions and filters point to what is there."""
    charts = {each["uuid"] for each in assets("charts").values()}
    datasets = {each["uuid"]: each for each in assets("datasets").values()}
    placed: set[str] = set()
    for dashboard in assets("dashboards").values():
        cells = [cell for cell in dashboard["position"].values() if isinstance(cell, dict)]
        placed |= {cell["meta"]["uuid"] for cell in cells if cell["type"] == "CHART"}
        for each in dashboard["metadata"]["native_filter_configuration"]:
            (target,) = each["targets"]
            columns = {column["column_name"] for column in datasets[target["datasetUuid"]]["columns"]}
            assert target["column"]["name"] in columns
    assert placed == charts


def test_live_refreshes_within_a_minute() -> None:
    """Nobody has to reload it."""
    assert 0 < assets("dashboards")["live"]["metadata"]["refresh_frequency"] <= 60


@pytest.mark.parametrize("folder", ["superset", "docker", "tests/superset"])
def test_no_folder_hides_an_installed_package(folder: str) -> None:
    """With an __init__.py these would be imported instead of Superset and Docker's client."""
    assert not (CHECKOUT / folder / "__init__.py").exists()
