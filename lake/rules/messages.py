"""Message templates: which names they may have, and how they are filled in."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from string import Formatter

from lake.features.registry import REGISTRY, near
from lake.market.bars import VALUES
from lake.rules.document import Node

_WIDE = re.compile(r"\d{3}")
_QUOTED = 40

MESSAGE_FIELDS = ("rule", "variant", "side", "symbol", "timeframe", "ts", "closes_at", "price")
"""What a message template may name besides bar values and columns."""

LEVEL_TEXTS = ("event", "kind", "method")
LEVEL_NUMBERS = ("level", "level_confirmed_at", "tolerance")
"""What the message of a rule about levels may name besides; the time is in seconds since 1970."""


def message_of(node: Node, about_levels: bool) -> tuple[str, tuple[str, ...]]:
    """Return a message template and the columns that it names.

    Raises:
        BadConfiguration: it names what no alert has, or cannot be filled in.
    """
    text = node.scalar("a message")
    texts = (*MESSAGE_FIELDS, *(LEVEL_TEXTS if about_levels else ()))
    numbers = ("price", *VALUES, *REGISTRY.readable, *(LEVEL_NUMBERS if about_levels else ()))
    allowed = dict.fromkeys((*texts, *numbers))
    names: list[str] = []
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if name is None:
                continue
            if conversion:
                raise node.refusal(
                    f"{{{name}}}, plain or with a format", f"{{{name}!{conversion}}}; leave !{conversion} out"
                )
            if _WIDE.search(form or ""):
                raise node.refusal(
                    "a width and precision of at most 99", f"{{{name}:{(form or '')[:_QUOTED]}}}"
                )
            if name not in allowed:
                raise node.refusal(
                    f"names such as {{symbol}} among {', '.join(texts)}, bar values and columns",
                    f"{{{name}}}{near(name, allowed)}",
                )
            format(1.0 if name in numbers else "", form or "")
            names.append(name)
    except ValueError as error:
        raise node.refusal(
            "a message with names such as {symbol} or {close:.2f}", f"{text!r}: {error}"
        ) from None
    return text, tuple(sorted(set(names) & set(REGISTRY.readable)))


def filled_in(template: str, value_of: Callable[[str], str | float]) -> str:
    """Return a message; numbers have ten digits at most, so that no error of rounding shows."""
    parts: list[str] = []
    for literal, name, form in _parsed(template):
        parts.append(literal)
        if name is None:
            continue
        value = value_of(name)
        if not isinstance(value, str):
            # Rounded first: what is half a cent to batch and to the stream ends on the same side.
            value = format(float(f"{value:.10g}"), form or ".10g")
        elif form:
            value = format(value, form)
        parts.append(value)
    return "".join(parts)


@lru_cache(maxsize=256)
def _parsed(template: str) -> tuple[tuple[str, str | None, str], ...]:
    return tuple((literal, name, form or "") for literal, name, form, _ in Formatter().parse(template))
