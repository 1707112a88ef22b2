"""How fast recorded or simulated time goes by."""

from __future__ import annotations

LONGEST_GAP = 5 * 60_000_000
"""Microseconds without a candle that are waited for; nights and halts are skipped."""


class Pace:
    """When something that happened at an event time is due in real time, in seconds.

    With a speed of 60 a minute goes by in a second; with 0 everything is due at once.
    """

    def __init__(self, speed: float, monotonic: float) -> None:
        self._speed, self._due, self._at = speed, monotonic, 0

    def due(self, micros: int) -> float:
        """Return when `micros` is due; times come in order."""
        gap = micros - self._at if self._at else 0
        if 0 < gap <= LONGEST_GAP and self._speed:
            self._due += gap / 1_000_000 / self._speed
        self._at = max(self._at, micros)
        return self._due
