"""Fractal: every swing is a level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lake.levels.level import Birth
from lake.levels.method import Bar, Method, Swing


@dataclass(slots=True)
class Fractal(Method):
    """The low of a swing low is a support, the high of a swing high a resistance."""

    method: ClassVar[str] = "fractal"

    def closes(self, bar: Bar, swings: Sequence[Swing]) -> Sequence[Birth]:
        """Return the levels of the swings that this bar's close confirmed."""
        return [Birth(swing.kind, swing.price, swing.formed_at, "swing") for swing in swings]
