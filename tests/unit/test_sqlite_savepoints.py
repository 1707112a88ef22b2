"""What plugins/sqlite_savepoints.py makes of a savepoint, on an engine as Airflow has it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from tests.busy_database import another_writes
from tests.stacks import CHECKOUT

READ = text("SELECT max(n) FROM numbers")
ADD = text("INSERT INTO numbers SELECT max(n) + 1 FROM numbers")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'airflow.db'}?timeout=30")
    with engine.begin() as connection:
        connection.execute(text("PRAGMA journal_mode=WAL"))
        connection.execute(text("CREATE TABLE numbers (n INTEGER)"))
        connection.execute(text("INSERT INTO numbers VALUES (1)"))
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def _plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CHECKOUT / "plugins"))
    importlib.import_module("sqlite_savepoints")  # listens from then on, as in Airflow's processes


def add_one(session: Session) -> None:
    """Read, think, and write in a savepoint, as Airflow makes each run of a backfill."""
    with session.begin_nested():
        session.execute(READ).one()
        time.sleep(0.05)
        session.execute(ADD)


def highest(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(READ).scalar_one())


def test_a_savepoint_waits_for_whoever_writes(engine: Engine, tmp_path: Path) -> None:
    with another_writes(tmp_path / "airflow.db", "numbers", "n"), Session(engine) as session:
        for _ in range(5):
            add_one(session)
        session.commit()
    assert highest(engine) == 6


def test_what_a_savepoint_did_is_there_when_all_is_committed_and_not_before(engine: Engine) -> None:
    with Session(engine) as session:
        add_one(session)
        assert highest(engine) == 1
        session.rollback()
        assert highest(engine) == 1
        add_one(session)
        session.commit()
    assert highest(engine) == 2


def test_a_savepoint_within_a_transaction_begins_none(engine: Engine) -> None:
    with Session(engine) as session:
        session.execute(ADD)
        add_one(session)
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            session.execute(ADD)
            raise ZeroDivisionError
        session.commit()
    assert highest(engine) == 3
