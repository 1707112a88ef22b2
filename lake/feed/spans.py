"""Where the candles of a message are in its text, so that a bad one can be kept as it was written."""

from __future__ import annotations

import re
from json import JSONDecoder

_SPACE = re.compile(r"[ \t\n\r]*")
_decode = JSONDecoder().raw_decode


def candle_texts(text: str) -> list[str]:
    """Return the text of each candle of an envelope, which is known to be JSON."""
    at = _after(text, 0)  # the opening brace
    while True:
        key, end = _decode(text, at)
        at = _after(text, _skip(text, end))  # the colon
        if key == "candles":
            return _elements(text, at)
        _, end = _decode(text, at)
        at = _after(text, _skip(text, end))  # the comma


def _elements(text: str, at: int) -> list[str]:
    found = []
    at = _after(text, at)  # the opening bracket
    while text[at] != "]":
        _, end = _decode(text, at)
        found.append(text[at:end])
        at = _skip(text, end)
        if text[at] == ",":
            at = _after(text, at)
    return found


def _after(text: str, at: int) -> int:
    """Return where the next thing begins after one sign at `at` or after the space before it."""
    return _skip(text, _skip(text, at) + 1)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
