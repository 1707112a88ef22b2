"""conf/universe.yaml: what the lake follows, and whose bars win."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lake.conf_file import read_conf
from lake.market.symbols import parse_symbols
from lake.market.timeframes import DAILY_AND_LONGER

SourceName = Literal["files", "yahoo", "sample", "simulated"]

DERIVED = "derived"
"""The source of bars that were computed from shorter ones; every delivered bar outranks it."""

SAMPLE = "sample"
"""The source of a first run: it comes with the packages, and has days only."""

YAHOO = "yahoo"
"""The source that is asked over the internet, for what is missing."""

SIMULATED = "simulated"
"""The source of bars that nobody traded; they never become daily bars of a real symbol."""


class Universe(BaseModel):
    """The defaults of every command and DAG.

    `trailing_sessions` are fetched again in catch-up, before the last one that was fetched.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: SourceName
    symbols: tuple[str, ...] = ()
    longer_timeframes: tuple[str, ...]
    precedence: tuple[SourceName, ...]
    trailing_sessions: int = Field(default=30, ge=0, le=10_000)

    @field_validator("symbols")
    @classmethod
    def _are_symbols(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return parse_symbols(names)

    @field_validator("longer_timeframes")
    @classmethod
    def _are_longer(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in DAILY_AND_LONGER[1:]]:
            raise ValueError(f"expected some of {', '.join(DAILY_AND_LONGER[1:])}, found {unknown[0]!r}")
        return names

    @field_validator("precedence")
    @classmethod
    def _are_distinct(cls, names: tuple[SourceName, ...]) -> tuple[SourceName, ...]:
        if len(set(names)) != len(names):
            raise ValueError(f"expected every source once, found {', '.join(names)}")
        return names

    def ranks(self) -> dict[str, int]:
        """Return the rank of each source, 0 the most trusted, derived bars last."""
        return {name: rank for rank, name in enumerate([*self.precedence, DERIVED])}


def read_universe(conf_folder: Path) -> Universe:
    """Return conf/universe.yaml.

    Raises:
        BadConfiguration: it is missing, not YAML, or has a value that cannot be used.
    """
    return read_conf(Universe, conf_folder / "universe.yaml")
