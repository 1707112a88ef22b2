"""Fibonacci: how much of its last leg price may give back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lake.levels.level import Birth, Kind, kind_by_close
from lake.levels.method import Bar, Method, Swing
from lake.levels.settings import LEVELS

RETRACEMENTS_PCT = LEVELS.fibonacci.retracements_pct


@dataclass(slots=True)
class Fibonacci(Method):
    """Retracements of the leg that ends at the last confirmed swing.

    The leg runs from the last swing of the other kind, formed on an earlier bar, and is measured
    back from its end; a high that does not lie above the low before it makes none. Each level is
    a support if the confirming bar closed at or above it, else a resistance. The next leg's
    levels replace them. A bar that is both a low and a high ends a leg at its high.
    """

    method: ClassVar[str] = "fibonacci"

    low: list[float] | None = None
    """Bar number and price of the last swing low."""
    high: list[float] | None = None

    def closes(self, bar: Bar, swings: Sequence[Swing]) -> Sequence[Birth]:
        """Return the retracements of the leg that a swing confirmed by this close ends."""
        if not swings:
            return ()
        end = swings[-1]
        start = self.low if end.kind == "resistance" else self.high
        births = _retracements(end, start[1], bar.close) if start and start[0] < end.bar else []
        for swing in swings:
            self._remember(swing.kind, [swing.bar, swing.price])
        return births

    def _remember(self, kind: Kind, swing: list[float]) -> None:
        if kind == "support":
            self.low = swing
        else:
            self.high = swing

    def rescale(self, ratio: float) -> None:
        """Bring the remembered swings to the terms after a split."""
        self.low = [self.low[0], self.low[1] / ratio] if self.low else None
        self.high = [self.high[0], self.high[1] / ratio] if self.high else None


def _retracements(end: Swing, start: float, close: float) -> list[Birth]:
    leg = end.price - start
    if (leg > 0) != (end.kind == "resistance"):
        return []
    prices = ((pct, end.price - pct / 100 * leg) for pct in RETRACEMENTS_PCT)
    return [
        Birth(kind_by_close(price, close), price, end.formed_at, f"{pct:.1f}", "leg") for pct, price in prices
    ]
