"""What a series carries from its first bar on, and no short history can tell: levels, sums, first price."""

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

    `session` is in days since 1970, `sums` are the last values of cumulative columns.
    """

    session: int
    first_close: float
    has_moved: bool
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
        if not set(needs.sums) <= known["sums"].keys():
            return None
        if not needs.methods:
            return cls(**known | {"levels": None})
        if found is None or not set(needs.methods) <= found["methods"].keys():
            return None
        chosen = {name: methods()[name] for name in needs.methods}
        return cls(**known | {"levels": LiveLevels.restore(found, chosen)})


@cache
def state_version() -> str:
    """Return the hash of the columns, and of the code and settings of levels: a change makes states void."""
    digest = hashlib.sha256(f"{columns_version()}{LEVELS.model_dump_json()}".encode())
    for package in (levels, level_methods):
        for folder in package.__path__:
            for path in sorted(Path(folder).glob("*.py")):
                digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
