"""Swings: a bar that stands out from the two before and the two after it.

Rolling, so that none is missed at the edge of a window.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from lake.features.indicator import TOLERANCE
from lake.levels.method import Bar, Swing

BESIDE = 2
"""Bars before and after a swing that it has to stand out from."""


@dataclass(slots=True)
class Swings:
    """The last five bars, and the swings they confirm.

    A low is a swing when it is strictly below the lows of the two bars before and at most equal
    to those of the two after; highs mirrored. Prices within 1e-9 of each other are equal.
    """

    bars: int = 0
    starts: list[int] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)

    def push(self, bar: Bar) -> list[Swing]:
        """Return the swings that the close of this bar confirms: a low, then a high, or none."""
        starts, highs, lows = self.starts, self.highs, self.lows
        self.bars += 1
        starts.append(bar.ts)
        highs.append(bar.high)
        lows.append(bar.low)
        if len(starts) <= 2 * BESIDE:
            return []
        if len(starts) > 2 * BESIDE + 1:
            del starts[0], highs[0], lows[0]
        found: list[Swing] = []
        a, b, low, c, d = lows
        if low < a and low < b and low <= c * _OVER and low <= d * _OVER and low < min(a, b) * _UNDER:
            found.append(Swing("support", low, starts[BESIDE], self.bars - 1 - BESIDE))
        a, b, high, c, d = highs
        if high > a and high > b and high >= c * _UNDER and high >= d * _UNDER and high > max(a, b) * _OVER:
            found.append(Swing("resistance", high, starts[BESIDE], self.bars - 1 - BESIDE))
        return found

    def rescale(self, ratio: float) -> None:
        """Bring the remembered bars to the terms after a split."""
        self.highs = [high / ratio for high in self.highs]
        self.lows = [low / ratio for low in self.lows]

    def state(self) -> dict[str, Any]:
        """Return everything that is remembered."""
        return asdict(self)


_OVER, _UNDER = 1 + TOLERANCE, 1 - TOLERANCE
