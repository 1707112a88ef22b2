"""Airflow's savepoints on SQLite wait for the lock as its other transactions do.

Python's driver begins a transaction before a statement that writes, but not before a savepoint. A
transaction that begins with one reads first, and SQLite refuses its writing at once, whatever the
timeout, if another process wrote meanwhile; and to release its first savepoint is to commit. So a
backfill failed with "Database is locked" while anything ran, and took back runs that the scheduler had
seen already, which ended it.
"""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine


@event.listens_for(Engine, "savepoint")
def begin_before_a_savepoint(connection: Connection, name: str | None) -> None:
    """Begin the transaction that a savepoint of SQLite is a part of, waiting for its lock."""
    if connection.dialect.name != "sqlite":
        return
    driver = connection.connection.driver_connection
    if driver is not None and not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
