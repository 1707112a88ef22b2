import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandListener, CommandStartedEvent

from lake.documents.publication import Counts, publish_collection
from lake.documents.server import connected
from lake.errors import BadConfiguration, DocumentsUnavailable
from tests.servers import free_port, start_mongo

Partitions = list[tuple[str, pa.Table]]


def partition(symbol: str, closes: list[float]) -> tuple[str, pa.Table]:
    ids = [f"{symbol}|1d|{day:05d}" for day in range(len(closes))]
    return symbol, pa.table({"_id": ids, "symbol": [symbol] * len(closes), "close": closes})


def many(symbols: int, days: int, first: float = 1.0) -> Partitions:
    return [partition(f"S{n:03d}", [first + n + day / 8 for day in range(days)]) for n in range(symbols)]


def wanted(partitions: Partitions) -> dict[str, dict[str, Any]]:
    return {row["_id"]: row for _, rows in partitions for row in rows.to_pylist()}


def found(database: Database[Any]) -> dict[str, dict[str, Any]]:
    return {row["_id"]: row for row in database["bars"].find()}


class Writes(CommandListener):
    """Counts commands that write."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: CommandStartedEvent) -> None:
        self.count += event.command_name in ("insert", "update", "delete", "bulkWrite", "findAndModify")

    def succeeded(self, event: object) -> None: ...

    def failed(self, event: object) -> None: ...


@pytest.fixture
def writes() -> Writes:
    return Writes()


@pytest.fixture
def database(mongo_url: str, writes: Writes) -> Iterator[Database[Any]]:
    with MongoClient[dict[str, Any]](mongo_url, event_listeners=[writes]) as client:
        yield client.get_default_database()


def test_a_collection_holds_exactly_the_rows(database: Database[Any]) -> None:
    rows = many(symbols=3, days=10)
    assert publish_collection(database, "bars", rows) == Counts(written=30)
    assert found(database) == wanted(rows)


def test_publishing_again_writes_nothing(database: Database[Any], writes: Writes) -> None:
    rows = many(symbols=3, days=10)
    publish_collection(database, "bars", rows)
    before = writes.count
    assert publish_collection(database, "bars", rows) == Counts(unchanged=30)
    assert writes.count == before


def test_a_changed_row_is_written_alone(database: Database[Any]) -> None:
    publish_collection(database, "bars", many(symbols=3, days=10))
    rows = many(symbols=3, days=10)
    rows[1] = partition("S001", [*rows[1][1]["close"].to_pylist()[:9], 99.0])
    assert publish_collection(database, "bars", rows) == Counts(written=1, unchanged=29)
    assert found(database) == wanted(rows)


def test_a_vanished_row_and_a_vanished_partition_are_removed(database: Database[Any]) -> None:
    publish_collection(database, "bars", many(symbols=3, days=10))
    rows = many(symbols=2, days=9)
    assert publish_collection(database, "bars", rows) == Counts(unchanged=18, removed=12)
    assert found(database) == wanted(rows)
    assert publish_collection(database, "bars", rows) == Counts(unchanged=18)


def test_a_collection_that_was_dropped_is_published_again(database: Database[Any]) -> None:
    rows = many(symbols=3, days=10)
    publish_collection(database, "bars", rows)
    database["bars"].drop()
    assert publish_collection(database, "bars", rows) == Counts(written=30)
    assert found(database) == wanted(rows)


def test_a_partition_larger_than_a_batch_is_published_whole(database: Database[Any]) -> None:
    rows = [partition("BIG", [float(day) for day in range(12_000)])]
    assert publish_collection(database, "bars", rows) == Counts(written=12_000)
    assert found(database) == wanted(rows)


def test_a_publication_whose_source_fails_is_completed_by_the_next(database: Database[Any]) -> None:
    rows = many(symbols=30, days=400)

    def failing() -> Iterator[tuple[str, pa.Table]]:
        yield from rows[:20]
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        publish_collection(database, "bars", failing())
    counts = publish_collection(database, "bars", rows)
    assert counts.written + counts.unchanged == 12_000
    assert found(database) == wanted(rows)


_PUBLISHER = """
import sys
from lake.documents.publication import publish_collection
from lake.documents.server import connected
from tests.integration.test_documents_publication import many
with connected(sys.argv[1]) as database:
    publish_collection(database, "bars", many(symbols=60, days=400, first=float(sys.argv[2])))
"""


@pytest.mark.parametrize("documents_seen", [1, 7_000, 16_000])
def test_a_killed_publication_ends_like_an_undisturbed_one(
    mongo_url: str, database: Database[Any], documents_seen: int
) -> None:
    publish_collection(database, "bars", many(symbols=20, days=10))
    started = database["bars"].estimated_document_count()
    process = subprocess.Popen(
        [sys.executable, "-c", _PUBLISHER, mongo_url, "500"], cwd=Path(__file__).parents[2]
    )
    while database["bars"].estimated_document_count() < started + documents_seen:
        assert process.poll() is None, "it finished before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    # Meanwhile the lake has moved on: what the killed run brought must go again.
    rows = many(symbols=30, days=50)
    publish_collection(database, "bars", rows)
    assert found(database) == wanted(rows)
    assert publish_collection(database, "bars", rows) == Counts(unchanged=1_500)


def test_a_server_that_is_down_is_named_in_one_sentence() -> None:
    port = free_port()
    began = time.monotonic()
    with (
        pytest.raises(DocumentsUnavailable) as raised,
        connected(f"mongodb://user:secret@127.0.0.1:{port}/lake") as database,
    ):
        publish_collection(database, "bars", many(symbols=1, days=1))
    assert time.monotonic() - began < 20
    message = str(raised.value)
    assert f"127.0.0.1:{port}/lake" in message
    assert "refused" in message
    assert "MONGO_URL" in message
    assert "secret" not in message
    assert "\n" not in message and "Topology" not in message


def test_a_server_lost_on_the_way_is_named_and_the_next_run_completes(tmp_path: Path) -> None:
    server = start_mongo(tmp_path)
    rows = many(symbols=30, days=400)

    def losing() -> Iterator[tuple[str, pa.Table]]:
        yield from rows[:20]
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        yield from rows[20:]

    with pytest.raises(DocumentsUnavailable), connected(server.url("lake")) as database:
        publish_collection(database, "bars", losing())
    again = start_mongo(tmp_path)
    try:
        with connected(again.url("lake")) as database:
            publish_collection(database, "bars", rows)
            assert found(database) == wanted(rows)
    finally:
        again.stop()


def test_an_address_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="MONGO_URL"), connected("http://127.0.0.1/lake"):
        pass
