"""The publication of a whole lake of real sample bars."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from lake.alerts.alert import alert_of_row
from lake.config import Settings, load_settings
from lake.documents.alerts import write_alerts
from lake.errors import DocumentsUnavailable
from lake.steps.alerts import raise_alerts
from lake.steps.enrich import enrich_features
from lake.steps.ingest import default_request, ingest
from lake.steps.publish import publish_documents
from lake.steps.sandbox import run_sandbox
from lake.steps.states import keep_states
from lake.steps.training import build_training_set
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.builders import bar_rows
from tests.servers import free_port

SYMBOLS = ["AAPL", "IBM"]


@pytest.fixture
def published(tmp_path: Path, mongo_url: str) -> Settings:
    """Return the settings of a lake with everything that is published."""
    settings = load_settings(lake_root=str(tmp_path / "lake"), mongo_url=mongo_url)
    ingest(settings, default_request(settings, source="sample", symbols=SYMBOLS))
    enrich_features(settings, timeframes=["1d"])
    raise_alerts(settings, timeframes=["1d"])
    lake = Lake.open(settings)
    keep_states(lake, connect(lake), ["AAPL"])
    run_sandbox(settings, "dual_channel")
    build_training_set(settings)
    return settings


@pytest.fixture
def database(mongo_url: str) -> Iterator[Database[Any]]:
    with MongoClient[dict[str, Any]](mongo_url, tz_aware=True) as client:
        yield client.get_default_database()


def counted(settings: Settings, query: str) -> int:
    found = connect(Lake.open(settings)).execute(query).fetchone()
    assert found is not None
    return int(found[0])


def contents(database: Database[Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {row["_id"]: row for row in database[name].find()}
        for name in database.list_collection_names()
        if name != "publications"
    }


def restate(settings: Settings, close: float) -> None:
    closes_at = datetime(2012, 6, 1, 20, tzinfo=UTC)
    rows = bar_rows({"symbol": "AAPL", "day": "2012-06-01", "close": close, "closes_at": closes_at})
    lake = Lake.open(settings)
    with lake.writing("bars"):
        lake.upsert("bars", rows, lake.stamp("bars", datetime.now(UTC)))


def test_every_collection_holds_what_the_lake_holds(published: Settings, database: Database[Any]) -> None:
    publish_documents(published)
    for collection, query in {
        "symbols": "SELECT count(*) FROM symbols",
        "features": "SELECT count(*) FROM bars",
        "alerts": "SELECT count(*) FROM alerts",
        "symbol_states": "SELECT count(*) FROM symbol_states",
        "sandbox_runs": "SELECT count(*) FROM sandbox_runs",
        "sandbox_trades": "SELECT count(*) FROM sandbox_trades",
        "sandbox_metrics": "SELECT count(*) FROM sandbox_metrics",
        "training_sets": "SELECT count(*) FROM training_sets",
        "training_rows": "SELECT sum(rows_train + rows_validation + rows_test) FROM training_sets",
    }.items():
        assert len(contents(database)[collection]) == counted(published, query) > 0, collection


def test_a_bar_is_one_typed_document_with_its_features(published: Settings, database: Database[Any]) -> None:
    publish_documents(published)
    last = database["features"].find_one({"_id": "AAPL|1d|2013-03-01T00:00:00Z"})
    assert last is not None
    assert last["closes_at"] == datetime(2013, 3, 1, 21, tzinfo=UTC)
    assert last["session"] == datetime(2013, 3, 1, tzinfo=UTC)
    assert (last["close"], last["is_complete"], last["quality"]) == (430.47, True, "ok")
    assert last["ema_169"] > 0
    first = database["features"].find_one({"_id": "AAPL|1d|2000-03-01T00:00:00Z"})
    assert first is not None
    assert first["ema_169"] is None


def test_an_alert_is_the_same_document_from_the_stream_as_from_a_publication(
    published: Settings, database: Database[Any]
) -> None:
    """Momentum's values have brackets, blanks and dots in their names."""
    con = connect(Lake.open(published))
    rows = con.execute("SELECT * FROM lake.alerts WHERE rule = 'momentum'").to_arrow_table().to_pylist()
    alerts = [alert_of_row(row) for row in rows]
    assert write_alerts(database, alerts) == len(alerts) > 10
    written = {row["_id"]: row for row in database["alerts"].find()}
    assert written[alerts[0].alert_id]["values"] == alerts[0].values
    publish_documents(published)

    def held() -> dict[str, Any]:
        return {row["_id"]: row for row in database["alerts"].find({"_id": {"$in": list(written)}})}

    assert held() == written
    later = datetime(2030, 1, 1, tzinfo=UTC)
    write_alerts(database, [replace(alert, fired_at=later) for alert in alerts])
    assert held() == written
    write_alerts(database, [alerts[0].invalidated("stream", later)])
    assert held()[alerts[0].alert_id]["status"] == "invalidated"


def test_publishing_again_writes_nothing(published: Settings, database: Database[Any]) -> None:
    first = publish_documents(published)
    before = contents(database)
    again = publish_documents(published)
    assert {name: counts["written"] for name, counts in again.items()} == dict.fromkeys(again, 0)
    assert {name: counts["unchanged"] for name, counts in again.items()} == {
        name: counts["written"] for name, counts in first.items()
    }
    assert contents(database) == before


def test_a_changed_bar_is_the_only_document_that_is_sent(
    published: Settings, database: Database[Any]
) -> None:
    publish_documents(published)
    restate(published, 700.0)
    counts = publish_documents(published)
    assert counts["features"]["written"] == 1
    changed = database["features"].find_one({"_id": "AAPL|1d|2012-06-01T00:00:00Z"})
    assert changed is not None
    assert changed["close"] == 700.0


def test_the_rows_of_the_newest_training_set_take_the_place_of_the_older_ones(
    published: Settings, database: Database[Any]
) -> None:
    publish_documents(published)
    newest = build_training_set(published, horizons=(1, 5))
    counts = publish_documents(published)
    rows = sum(newest[f"rows_{split}"] for split in ("train", "validation", "test"))
    assert counts["training_rows"]["written"] == rows
    found = contents(database)["training_rows"].values()
    assert {row["training_set_id"] for row in found} == {newest["training_set_id"]}
    assert len(found) == rows
    manifest = database["training_sets"].find_one({"_id": newest["training_set_id"]})
    assert manifest is not None
    assert manifest["manifest"]["parameters"]["horizons"] == [1, 5]


_PUBLISH = """
import sys
from lake.config import load_settings
from lake.steps.publish import publish_documents
publish_documents(load_settings(lake_root=sys.argv[1], mongo_url=sys.argv[2]))
"""


def test_two_publications_at_once_end_with_the_same_content(
    published: Settings, database: Database[Any]
) -> None:
    command = [sys.executable, "-c", _PUBLISH, published.lake_root, published.mongo_url]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert {counts["written"] for counts in publish_documents(published).values()} == {0}
    assert len(contents(database)["features"]) == counted(published, "SELECT count(*) FROM bars")


def test_a_server_that_is_down_leaves_the_lake_alone_and_says_so(settings: Settings) -> None:
    away = load_settings(lake_root=settings.lake_root, mongo_url=f"mongodb://127.0.0.1:{free_port()}/lake")
    with pytest.raises(DocumentsUnavailable, match="MONGO_URL"):
        publish_documents(away)
