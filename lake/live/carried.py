"""What a series carries and no short history can tell: levels, sums, cases of rules, first price."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson

import lake.levels as levels
import lake.levels.methods as level_methods
from lake.features.version import columns_version
from lake.levels.live import LiveLevels
from lake.levels.registry import methods
from lake.levels.settings import LEVELS
from lake.live.needs import Needs


class Carried(NamedTuple):
    """The state of a series as of the end of a session, in the terms of that session.

    `session` is in days since 1970, `sums` are the last values of cumulative columns, `cases` by the
    version of a rule the case that it was in; `clean`, `first_close` and `has_moved` are those of `Memory`.
    """

    session: int
    clean: int
    first_close: float
    has_moved: bool
    cases: Mapping[str, int]
    sums: Mapping[str, float]
    levels: LiveLevels | None

    def text(self) -> str:
        """Return it as JSON."""
        own = self._asdict() | {"levels": self.levels.state() if self.levels is not None else None}
        return orjson.dumps(own).decode()

    @classmethod
    def of_text(cls, text: str, needs: Needs) -> Self | None:
        """Return what `text` was made of; None if it lacks something that is needed."""
        known: dict[str, Any] = orjson.loads(text)
        found = known["levels"]
        if not set(needs.sums) <= known["sums"].keys() or not set(needs.rules) <= known["cases"].keys():
            return None
        if not needs.methods:
            return cls(**known | {"levels": None})
        if found is None or not set(needs.methods) <= found["methods"].keys():
            return None
        chosen = {name: methods()[name] for name in needs.methods}
        return cls(**known | {"levels": LiveLevels.restore(found, chosen)})


@cache
def state_version() -> str:
    """Return the hash of columns, of levels' code and settings, and of a state's parts: a change voids it."""
    digest = hashlib.sha256(f"{columns_version()}{LEVELS.model_dump_json()}{Carried._fields}".encode())
    for package in (levels, level_methods):
        for folder in package.__path__:
            for path in sorted(Path(folder).glob("*.py")):
                digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
