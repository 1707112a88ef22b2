"""conf/universe.yaml: what the lake follows, and whose bars win."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lake.conf_file import read_conf
from lake.market.timeframes import DAILY_AND_LONGER
from lake.membership import Listing, Span

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

    `symbols` are names, or say more of a symbol: an alias, such as an old ticker, means the symbol
    wherever a person or a source names it. `trailing_sessions` are fetched again in catch-up,
    before the last one that was fetched.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: SourceName
    symbols: tuple[Listing, ...] = ()
    longer_timeframes: tuple[str, ...]
    precedence: tuple[SourceName, ...]
    trailing_sessions: int = Field(default=30, ge=0, le=10_000)

    @field_validator("symbols")
    @classmethod
    def _have_names_of_their_own(cls, listings: tuple[Listing, ...]) -> tuple[Listing, ...]:
        names = Counter(name for each in listings for name in (each.symbol, *each.aliases))
        if twice := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"expected every symbol and alias once, found {twice[0]} twice")
        return listings

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

    @property
    def daily_and_longer(self) -> tuple[str, ...]:
        """Return the timeframes whose columns and levels are kept up to date after each session."""
        return DAILY_AND_LONGER[0], *self.longer_timeframes

    def names_between(self, start: date | None = None, end: date | None = None) -> tuple[str, ...]:
        """Return the symbols that belong to the universe at some time between two dates, both included.

        Those that have left it since are among them: a history without them knows who survived.
        """
        return tuple(
            each.symbol
            for each in self.symbols
            if not each.member or any(span.meets(start, end) for span in each.member)
        )

    def membership(self) -> dict[str, tuple[Span, ...]]:
        """Return the spans of the symbols whose membership is dated."""
        return {each.symbol: each.member for each in self.symbols if each.member}

    def listings(self) -> dict[str, Listing]:
        """Return every symbol's entry."""
        return {each.symbol: each for each in self.symbols}

    def canonical(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return names with each alias replaced by its symbol, in order, without repeats."""
        symbol_of = {alias: each.symbol for each in self.symbols for alias in each.aliases}
        return tuple(dict.fromkeys(symbol_of.get(name, name) for name in names))

    def ranks(self) -> dict[str, int]:
        """Return the rank of each source, 0 the most trusted, derived bars last."""
        return {name: rank for rank, name in enumerate([*self.precedence, DERIVED])}


def read_universe(conf_folder: Path) -> Universe:
    """Return conf/universe.yaml.

    Raises:
        BadConfiguration: it is missing, not YAML, or has a value that cannot be used.
    """
    return read_conf(Universe, conf_folder / "universe.yaml")
