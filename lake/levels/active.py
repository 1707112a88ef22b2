"""The active levels of one method and kind, and which of them is nearest to a price."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from lake.levels.level import Level
from lake.levels.settings import LEVELS

MOST = LEVELS.events.most_active
"""Active levels of a method and kind; a newer one pushes the oldest out."""

NEVER = -1_000
"""A bar number so long ago that nothing waits since then."""


class Active:
    """Levels of one kind in force, and those broken in that role that may be tested again.

    Newest is what became active in this role last, by `number`. Both sorts count towards `MOST`.
    `touched` is the last bar that touched a level in force.
    """

    __slots__ = ("_by_number", "_numbers", "_prices", "broken", "touched")

    def __init__(self, levels: Sequence[Level] = (), touched: int = NEVER) -> None:
        self.touched = touched
        self._by_number: dict[int, Level] = {level.number: level for level in levels}
        rows = sorted((level.price, level.number) for level in levels if level.outcome == "active")
        # Two lists and not one of pairs: numbers compare faster. Both stand in order of price.
        self._prices, self._numbers = [price for price, _ in rows], [number for _, number in rows]
        broken = (level for level in levels if level.outcome == "broken")
        self.broken = sorted(broken, key=lambda level: level.broken_bar)  # the next to expire first

    def __iter__(self) -> Iterator[Level]:
        return iter(self._by_number.values())

    def add(self, level: Level) -> Level | None:
        """Put a level in force; return the oldest if there is no room for it any more."""
        self._by_number[level.number] = level
        place = bisect_left(self._prices, level.price)
        self._prices.insert(place, level.price)
        self._numbers.insert(place, level.number)
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

    def is_reached(self, bottom: float, top: float, price: float, slack: float, sign: int) -> bool:
        """Return whether a level in force lies between two prices, or beyond them and nearest to `price`.

        Beyond is above for supports, with a `sign` of 1, and below for resistances, with -1.
        """
        prices = self._prices
        place = bisect_left(prices, bottom)
        if place < len(prices) and prices[place] <= top:
            return True
        if sign > 0:
            if place == len(prices):
                return False
            return place == 0 or prices[place] - price <= price - prices[place - 1] + slack
        if place == 0:
            return False
        return place == len(prices) or price - prices[place - 1] <= prices[place] - price + slack

    def nearest(self, price: float, slack: float) -> Level | None:
        """Return the level in force that is nearest to `price`; of equals, within `slack`, the newest."""
        prices, numbers = self._prices, self._numbers
        above, count = bisect_left(prices, price), len(prices)
        if not count:
            return None
        below = above - 1
        limit = prices[above] - price if above < count else price - prices[below]
        if below >= 0 and price - prices[below] < limit:
            limit = price - prices[below]
        limit += slack
        newest = -1
        while above < count and prices[above] - price <= limit:
            if numbers[above] > newest:
                newest = numbers[above]
            above += 1
        while below >= 0 and price - prices[below] <= limit:
            if numbers[below] > newest:
                newest = numbers[below]
            below -= 1
        return self._by_number[newest]

    def nearest_broken(self, price: float, slack: float) -> Level | None:
        """Return the broken level that is nearest to `price`; of equals the newest."""
        if len(self.broken) <= 1:
            return self.broken[0] if self.broken else None
        limit = min(abs(level.price - price) for level in self.broken) + slack
        return max(
            (level for level in self.broken if abs(level.price - price) <= limit),
            key=lambda each: each.number,
        )

    def _drop(self, level: Level) -> None:
        place = bisect_left(self._prices, level.price)
        while self._numbers[place] != level.number:
            place += 1
        del self._prices[place], self._numbers[place]
