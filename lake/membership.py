"""Entries of conf/universe.yaml: what a symbol is, and from when to when it is in the universe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Self, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lake.errors import BadSymbol
from lake.market.bars import Bools, Dates
from lake.market.symbols import parse_symbol, parse_symbols

Value = TypeVar("Value")


class Span(BaseModel):
    """Sessions from one date to another, both included; None leaves the end open."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    first: date = Field(alias="from")
    last: date | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.last and self.last < self.first:
            raise ValueError(f"expected dates in order, found from {self.first} to {self.last}; swap them")
        return self

    def meets(self, start: date | None, end: date | None) -> bool:
        """Return whether some day of the span lies between two dates, both included."""
        return (end is None or self.first <= end) and (
            start is None or self.last is None or start <= self.last
        )


Membership = Mapping[str, Sequence[Span]]
"""The spans of each symbol whose membership is dated; any other symbol is always a member."""


class Listing(BaseModel):
    """One symbol of the universe; `member` is empty if it always belongs to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: str
    name: str | None = None
    exchange: str | None = None
    currency: str | None = None
    listed: date | None = None
    delisted: date | None = None
    aliases: tuple[str, ...] = ()
    member: tuple[Span, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_name(cls, entry: Any) -> Any:
        return {"symbol": entry} if isinstance(entry, str) else entry

    @field_validator("symbol")
    @classmethod
    def _is_a_symbol(cls, name: str) -> str:
        return _own(parse_symbol, name)

    @field_validator("aliases")
    @classmethod
    def _are_symbols(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _own(parse_symbols, names)

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.listed and self.delisted and self.delisted < self.listed:
            raise ValueError(f"expected listed before delisted, found {self.listed} after {self.delisted}")
        return self


def _own(parse: Callable[[Any], Value], given: Any) -> Value:
    """Return what a parser makes of a value; pydantic names the place of a ValueError only."""
    try:
        return parse(given)
    except BadSymbol as error:
        raise ValueError(str(error)) from error


def members(symbol: str, sessions: Dates, membership: Membership) -> Bools:
    """Return on which of some sessions a symbol belongs to the universe."""
    spans = membership.get(symbol)
    if not spans:
        return np.ones(len(sessions), dtype=bool)
    inside = np.zeros(len(sessions), dtype=bool)
    for span in spans:
        after = sessions >= np.datetime64(span.first)
        inside |= after if span.last is None else after & (sessions <= np.datetime64(span.last))
    return inside


def membership_json(membership: Membership) -> dict[str, list[list[str | None]]]:
    """Return memberships as JSON values, by symbol in order of name."""
    return {
        symbol: [[span.first.isoformat(), span.last.isoformat() if span.last else None] for span in spans]
        for symbol, spans in sorted(membership.items())
    }


def membership_from_json(values: Mapping[str, Sequence[Sequence[str | None]]]) -> dict[str, tuple[Span, ...]]:
    """Return what `membership_json` was given."""
    return {
        symbol: tuple(Span.model_validate({"from": first, "to": last}) for first, last in spans)
        for symbol, spans in values.items()
    }
