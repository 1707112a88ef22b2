"""When a partition counts as stuck."""

from __future__ import annotations

from collections.abc import Mapping

Partition = tuple[str, int]


class Stall:
    """Remembers since when each partition has had more than was acknowledged, without any progress."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[Partition, tuple[int, float]] = {}

    def stuck(self, lags: Mapping[Partition, tuple[int, int]], monotonic: float) -> set[Partition]:
        """Return the partitions that have not got on for too long, by their ends and what is acknowledged."""
        waiting = {key: done for key, (end, done) in lags.items() if end > done}
        self._since = {
            key: self._since[key] if self._since.get(key, (None,))[0] == done else (done, monotonic)
            for key, done in waiting.items()
        }
        return {key for key, (_, since) in self._since.items() if monotonic - since >= self._seconds}
