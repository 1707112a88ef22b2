"""Servers that integration tests share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.servers import MongoServer, start_mongo

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
