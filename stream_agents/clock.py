"""Event time between candles: it goes on from the newest one at the rate of real time.

So a slow replay closes nothing early, and live data closes as real time passes.
"""

from __future__ import annotations


class EventClock:
    """The event time of one partition, in microseconds since 1970; real time is given in seconds."""

    def __init__(self) -> None:
        self._newest, self._since = 0, 0.0

    def has_come(self, micros: int, monotonic: float) -> None:
        """Note that event time has come to `micros` at the latest."""
        if micros > self.now(monotonic):
            self._newest, self._since = micros, monotonic

    def now(self, monotonic: float) -> int:
        """Return the event time; 0 while nothing has happened."""
        if not self._newest:
            return 0
        return self._newest + int((monotonic - self._since) * 1_000_000)
