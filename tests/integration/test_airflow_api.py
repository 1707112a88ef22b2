"""What the stack does when Airflow's API is busy: a local server that answers as one was seen to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import stack.airflow_api
from stack.airflow_api import AirflowApi
from stack.errors import StackFailed
from stack.installation import Installation

LOCKED = (503, {"detail": "Database is locked. Backfill creation is not supported on SQLite"})


@contextmanager
def airflow(*answers: tuple[int, object]) -> Iterator[tuple[AirflowApi, list[str]]]:
    """Run a server that answers a login, then these; give a session with it and what it was asked."""
    left, asked = [(201, {"access_token": "t"}), *answers], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            status, body = left.pop(0)
            said = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    values = {"AIRFLOW_ADMIN_PASSWORD": "p", "AIRFLOW_PORT": str(server.server_address[1])}
    try:
        with AirflowApi(Installation(Path("unused"), values)) as api:
            yield api, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack.airflow_api, "RETRY_SECONDS", 0.0)


def test_a_database_that_was_locked_is_asked_again() -> None:
    with airflow(LOCKED, LOCKED, (200, {"id": 7})) as (api, asked):
        assert api.ask("POST", "/api/v2/backfills", json={}) == {"id": 7}
    assert asked.count("/api/v2/backfills") == 3


def test_one_that_stays_locked_is_told() -> None:
    with (
        airflow(*[LOCKED] * stack.airflow_api.TRIES) as (api, asked),
        pytest.raises(StackFailed, match="503.*Database is locked"),
    ):
        api.ask("POST", "/api/v2/backfills", json={})
    assert asked.count("/api/v2/backfills") == stack.airflow_api.TRIES


def test_a_refusal_is_not_asked_again() -> None:
    with airflow((409, {"detail": "already"})) as (api, asked), pytest.raises(StackFailed, match="409"):
        api.ask("POST", "/api/v2/backfills", json={})
    assert asked.count("/api/v2/backfills") == 1
