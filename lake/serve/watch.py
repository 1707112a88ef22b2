"""Watching the tables: a new served file whenever one of them moved, never more often than is cheap."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from lake.errors import LakeError
from lake.serve.build import Served, build, remove_old, table_versions
from lake.serve.folder import FOLDER
from lake.store.lake import Lake

LOOK_SECONDS = 3.0
"""How often the versions of the tables are looked at."""

REST = 4.0
"""A build is followed by a rest of so many times its length, so that it takes a fifth of one core at most."""

LONGEST_REST = 45.0
"""The longest such rest, so that dashboards are a minute behind at most."""


class Watch:
    """Builds served files while tables move."""

    def __init__(self, open_lake: Callable[[], Lake], folder: Path, tell: Callable[[str], None]) -> None:
        self._open_lake, self._folder, self._tell = open_lake, folder / FOLDER, tell
        self._lake: Lake | None = None
        self._served: dict[str, int] = {}
        self._complaint = ""

    def run(self, stop: threading.Event) -> None:
        """Look and build until `stop` is set."""
        while not stop.is_set():
            started = time.monotonic()
            self.look()
            busy = time.monotonic() - started
            stop.wait(max(LOOK_SECONDS, min(LONGEST_REST, REST * busy)))

    def look(self) -> Served | None:
        """Build a file if a table moved since the last one; tell about it, or about what prevents it."""
        try:
            served = self._build_if_moved()
        except LakeError as error:
            self._complain(str(error))
            return None
        self._complain("")
        return served

    def _build_if_moved(self) -> Served | None:
        self._lake = self._lake or self._open_lake()
        versions = table_versions(self._lake)
        if versions == self._served:
            return None
        served = build(self._lake, self._folder)
        self._served = versions  # read before the build: what moved during it is built again
        remove_old(self._folder)
        self._tell(f"{served.path.name} holds {served.rows:,} rows of {served.tables} views")
        return served

    def _complain(self, sentence: str) -> None:
        """Tell about a fault when it begins, not each time it is met."""
        if sentence and sentence != self._complaint:
            self._tell(sentence)
        self._complaint = sentence
