"""What the stack does when Airflow's API is busy: a local server that answers as one was seen to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import stack.airflow_api
from stack.airflow_api import AirflowApi
from stack.errors import StackFailed
from stack.installation import Installation

Asked = tuple[str, dict[str, Any]]
"""The path of a request, and its body."""

BACKFILLS = "/api/v2/backfills"
LOCKED = (503, {"detail": "Database is locked. Backfill creation is not supported on SQLite"})


@contextmanager
def airflow(*answers: tuple[int, object]) -> Iterator[tuple[AirflowApi, list[Asked]]]:
    """Run a server that answers a login, then these; give a session with it and what it was asked."""
    left, asked = [(201, {"access_token": "t"}), *answers], list[Asked]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.answer()

        def do_GET(self) -> None:
            asked.append((self.path, {}))
            self.answer()

        def answer(self) -> None:
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
        assert api.ask("POST", BACKFILLS, json={}) == {"id": 7}
    assert [path for path, _ in asked].count(BACKFILLS) == 3


def test_a_statement_that_failed_is_asked_again_and_starts_one_run() -> None:
    failed = (500, {"detail": {"reason": "Database error", "statement": "hidden"}})
    with airflow(failed, (200, {"dag_run_id": "manual", "state": "queued"})) as (api, asked):
        assert api.trigger("ingest_daily_bars", {}).state == "queued"
    names = [body["dag_run_id"] for path, body in asked if path.endswith("/dagRuns")]
    assert len(names) == 2 and len(set(names)) == 1


def test_a_run_that_was_started_before_the_statement_failed_is_taken() -> None:
    failed = (500, {"detail": {"reason": "Database error"}})
    with airflow(failed, (409, {"detail": "exists"}), (200, {"state": "running"})) as (api, _):
        run = api.trigger("ingest_daily_bars", {})
    assert (run.dag_id, run.state) == ("ingest_daily_bars", "running")
    assert run.run_id.startswith("manual__")


def test_any_other_500_is_told_at_once() -> None:
    with airflow((500, {"detail": "broken"})) as (api, asked), pytest.raises(StackFailed, match="broken"):
        api.trigger("ingest_daily_bars", {})
    assert len(asked) == 2


def test_one_that_stays_locked_is_told() -> None:
    with (
        airflow(*[LOCKED] * stack.airflow_api.TRIES) as (api, asked),
        pytest.raises(StackFailed, match="503.*Database is locked"),
    ):
        api.ask("POST", BACKFILLS, json={})
    assert [path for path, _ in asked].count(BACKFILLS) == stack.airflow_api.TRIES


def test_a_refusal_is_not_asked_again() -> None:
    with airflow((409, {"detail": "already"})) as (api, asked), pytest.raises(StackFailed, match="409"):
        api.ask("POST", BACKFILLS, json={})
    assert [path for path, _ in asked].count(BACKFILLS) == 1
