"""The active levels of one kind, and which of them is nearest to a price."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

from lake.levels.level import Level
from lake.levels.settings import LEVELS

MOST = LEVELS.events.most_active
"""Active levels of a kind; a newer one pushes the oldest out."""


class Active:
    """Levels of one kind in force, and those broken in that role that may be tested again.

    Newest is what became active in this role last, by `number`. Both sorts count towards `MOST`.
    """

    __slots__ = ("_by_number", "_by_price", "broken")

    def __init__(self, levels: Sequence[Level] = ()) -> None:
        self._by_number: dict[int, Level] = {level.number: level for level in levels}
        self._by_price = sorted((level.price, level.number) for level in levels if level.outcome == "active")
        self.broken = [level for level in levels if level.outcome == "broken"]

    def __iter__(self) -> Iterator[Level]:
        return iter(self._by_number.values())

    def add(self, level: Level) -> Level | None:
        """Put a level in force; return the oldest if there is no room for it any more."""
        self._by_number[level.number] = level
        insort(self._by_price, (level.price, level.number))
        if len(self._by_number) <= MOST:
            return None
        oldest = next(iter(self._by_number.values()))
        self.remove(oldest)
        return oldest

    def remove(self, level: Level) -> None:
        """Take a level out, in force or broken."""
        del self._by_number[level.number]
        if level.outcome == "broken":
            self.broken.remove(level)
        else:
            self._drop(level)

    def broke(self, level: Level) -> None:
        """Keep a level that was in force as one that broke."""
        self._drop(level)
        self.broken.append(level)

    def nearest(self, price: float, slack: float) -> Level | None:
        """Return the level in force that is nearest to `price`; of equals, within `slack`, the newest."""
        rows = self._by_price
        above = bisect_left(rows, (price, -1))
        below = above - 1
        distance = rows[above][0] - price if above < len(rows) else float("inf")
        if below >= 0:
            distance = min(distance, price - rows[below][0])
        limit, newest = distance + slack, -1
        while above < len(rows) and rows[above][0] - price <= limit:
            newest = max(newest, rows[above][1])
            above += 1
        while below >= 0 and price - rows[below][0] <= limit:
            newest = max(newest, rows[below][1])
            below -= 1
        return self._by_number[newest] if newest >= 0 else None

    def nearest_broken(self, price: float, slack: float) -> Level | None:
        """Return the broken level that is nearest to `price`; of equals the newest."""
        if not self.broken:
            return None
        limit = min(abs(level.price - price) for level in self.broken) + slack
        return max(
            (level for level in self.broken if abs(level.price - price) <= limit),
            key=lambda each: each.number,
        )

    def _drop(self, level: Level) -> None:
        del self._by_price[bisect_left(self._by_price, (level.price, level.number))]
