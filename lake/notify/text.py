"""Texts that go into messages: one line, no control characters, of a bounded length."""

from __future__ import annotations

import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str, longest: int = 1_000) -> str:
    """Return a text that can end no header, start no line and turn no writing direction."""
    safe = "".join(" " if unicodedata.category(character) in _UNSAFE else character for character in text)
    line = " ".join(safe.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
