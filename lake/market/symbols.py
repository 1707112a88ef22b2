"""Symbols: their grammar, and the folder-safe form of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from lake.errors import BadSymbol

_GRAMMAR = re.compile(r"[A-Z0-9^][A-Z0-9.\-=^]{0,19}", re.ASCII)


def is_symbol(text: str) -> bool:
    """Return whether `text` fits the grammar."""
    return bool(_GRAMMAR.fullmatch(text)) and ".." not in text


def parse_symbol(text: str) -> str:
    """Return `text` if it is a symbol such as `AAPL`, `BRK.B`, `^GSPC` or `BTC-USD`.

    Raises:
        BadSymbol: it is not; nothing else may become part of a path or a query.
    """
    if not is_symbol(text):
        raise BadSymbol(
            f"expected a symbol of 1 to 20 characters A-Z 0-9 . - = ^ without '..', found {text!r}; "
            "write it as the exchange does, in capitals"
        )
    return text


def parse_symbols(text: str | Iterable[str]) -> tuple[str, ...]:
    """Return the symbols of `A,B,C` or of an iterable, in order, without repeats."""
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(dict.fromkeys(parse_symbol(part.strip()) for part in parts if part.strip()))


def file_name(symbol: str) -> str:
    """Return a file name for `symbol` that no file system reads as a path or a device."""
    return "=" + quote(parse_symbol(symbol), safe="")


def symbol_of_file_name(name: str) -> str:
    """Return the symbol that `file_name` was given."""
    return parse_symbol(unquote(name.removeprefix("=")))
