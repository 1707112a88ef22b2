"""A SQLite file that another connection writes to all the time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def another_writes(database: Path, table: str, column: str) -> Iterator[None]:
    """Commit a change that changes no value, some 200 times a second, while the block runs."""
    is_over, has_begun = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
            while not is_over.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(f"UPDATE {table} SET {column} = {column}")
                time.sleep(0.004)
                connection.execute("COMMIT")
                has_begun.set()
                time.sleep(0.001)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert has_begun.wait(30)
        yield
    finally:
        is_over.set()
        thread.join()
