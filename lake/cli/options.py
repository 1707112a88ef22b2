"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from lake.errors import BadInput
from lake.market.symbols import parse_symbols

Symbols = Annotated[str | None, typer.Option("--symbols", help="Symbols, as A,B,C; all if left out.")]
Start = Annotated[str | None, typer.Option("--from", help="First session date, such as 2012-01-31.")]
End = Annotated[str | None, typer.Option("--to", help="Last session date, included.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="What was known then: a date (its end, UTC) or a time.")
]


def symbols_of(text: str | None) -> tuple[str, ...]:
    """Return the symbols of an option; none if it was left out.

    Raises:
        BadInput: it has no symbol, or what is none.
    """
    if text is None:
        return ()
    if not (found := parse_symbols(text)):
        raise BadInput(f"expected symbols as A,B,C, found {text!r}; leave the option out for all of them")
    return found


def names_of(text: str | None) -> tuple[str, ...] | None:
    """Return the names of `a,b,c`; None if the option was left out."""
    return tuple(part.strip() for part in text.split(",")) if text is not None else None


def date_of(text: str | None, option: str) -> date | None:
    """Return a date from ISO 8601; None if the option was left out.

    Raises:
        BadInput: it is not a date.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"expected {option} as a date such as 2012-01-31, found {text!r}") from error
