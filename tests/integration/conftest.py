"""Servers that integration tests share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import MongoServer, start_mongo
from tests.streams import Stream, embedded_broker, require_stream, streaming

_numbers = itertools.count()


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """Return the MongoDB server of this test run."""
    server = start_mongo(tmp_path_factory.mktemp("mongo"))
    yield server
    server.stop()


@pytest.fixture
def mongo_url(mongo_server: MongoServer) -> str:
    """Return the address of a fresh database."""
    return mongo_server.url(f"test_{next(_numbers)}")


@pytest.fixture
def stream(tmp_path: Path, mongo_url: str) -> Iterator[Stream]:
    """Return a stream on an embedded broker of its own."""
    require_stream()
    (tmp_path / "broker").mkdir()
    with (
        embedded_broker(tmp_path / "broker") as broker,
        streaming(tmp_path / "stream", mongo_url, broker) as made,
    ):
        yield made
