"""Real local servers that integration tests share."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

START_SECONDS = 30
_numbers = itertools.count()


@dataclass(frozen=True)
class MongoServer:
    """A running nx-27017 with its own data folder."""

    port: int
    process: subprocess.Popen[bytes]

    def url(self, database: str) -> str:
        """Return the address of a database on it."""
        return f"mongodb://127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(START_SECONDS)


@pytest.fixture(scope="session")
def start_mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], MongoServer]]:
    """Return a function that starts another MongoDB server on a free port and waits until it answers."""
    started: list[MongoServer] = []

    def start() -> MongoServer:
        server = _started(tmp_path_factory.mktemp("mongo"))
        started.append(server)
        _wait_for(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def mongo_server(start_mongo: Callable[[], MongoServer]) -> MongoServer:
    """Return the MongoDB server of this test run."""
    return start_mongo()


@pytest.fixture
def mongo_url(mongo_server: MongoServer) -> str:
    """Return the address of a fresh database."""
    return mongo_server.url(f"test_{next(_numbers)}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _started(folder: Path) -> MongoServer:
    port = free_port()
    command = [str(Path(sys.executable).parent / "nx-27017"), "--data-dir", str(folder / "data")]
    command += ["-p", str(port), "--log-file", str(folder / "log"), "--pid-file", str(folder / "pid")]
    with (folder / "out").open("wb") as out:
        return MongoServer(port, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT))


def _wait_for(server: MongoServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
            return
        except OSError:
            assert server.process.poll() is None, "nx-27017 ended while starting"
            time.sleep(0.05)
    raise AssertionError(f"nx-27017 did not listen on port {server.port} within {START_SECONDS} s")
