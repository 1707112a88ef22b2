"""The buckets of one longer intraday timeframe in one session, with what minutes and vendor say of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lake.market.candles import Candle, Difference, same_values
from lake.market.timeframes import INTRADAY_MINUTES
from lake.universe import DERIVED

MINUTE = 60_000_000
"""One minute in microseconds."""

Growing = list[Any]
"""Bucket, open, high, low, close, volume and suspicion of the bar that minutes are being added to."""


class Buckets:
    """Bars of one timeframe by their number in the session; times are in microseconds.

    Event time has passed the buckets before `next_bucket`, and passes that one at `due`.
    """

    __slots__ = (
        "closes",
        "count",
        "derived",
        "due",
        "growing",
        "length",
        "next_bucket",
        "opens",
        "timeframe",
        "vendor",
        "vendor_newest",
        "vendor_passed",
    )

    def __init__(self, timeframe: str) -> None:
        self.timeframe = timeframe
        self.length = INTRADAY_MINUTES[timeframe]
        self.begin(0, 0)

    def begin(self, opens: int, closes: int) -> None:
        """Forget everything and start the session of these hours."""
        self.opens, self.closes = opens, closes
        self.count = -(-(closes - opens) // (self.length * MINUTE))
        self.derived: list[Candle | None] = [None] * self.count
        self.growing: Growing | None = None
        self.vendor: dict[int, Candle] = {}
        self.vendor_passed, self.vendor_newest = opens, -1
        self.next_bucket, self.due = 0, self.end(0)

    def end(self, bucket: int) -> int:
        """Return when a bucket ends: after its length, or with the session."""
        return min(self.opens + (bucket + 1) * self.length * MINUTE, self.closes)

    def effective(self, bucket: int) -> Candle | None:
        """Return the bar that counts: the vendor's if there is one."""
        if self.growing is not None:
            self.settle()
        return self.vendor.get(bucket) or self.derived[bucket]

    def append(self, bucket: int, minute: Candle) -> None:
        """Add the session's newest minute to its bucket, which is open."""
        bar = self.growing
        if bar is not None and bar[0] == bucket:
            _, _, _, high, low, close, volume, _, is_suspect, _ = minute
            if high > bar[2]:
                bar[2] = high
            if low < bar[3]:
                bar[3] = low
            bar[4] = close
            bar[5] += volume
            if is_suspect:
                bar[6] = True
            return
        self.settle()
        old = self.derived[bucket]
        self.growing = [bucket, *(minute if old is None else old)[2:7], minute.is_suspect]
        if old is not None:
            self.growing[6] = old.is_suspect
            self.append(bucket, minute)

    def appended(self, bucket: int, minute: Candle) -> Candle:
        """Add the session's newest minute to its bucket, which is open, and return the bar."""
        self.append(bucket, minute)
        self.settle()
        bar = self.derived[bucket]
        assert bar is not None
        return bar

    def settle(self) -> None:
        """Make the bar that is growing one of `derived`; minutes then cost no new bar each."""
        if self.growing is not None:
            bucket, open_, high, low, close, volume, is_suspect = self.growing
            start = self.opens + bucket * self.length * MINUTE
            self.derived[bucket] = Candle(
                self.timeframe, start, open_, high, low, close, volume, False, is_suspect, DERIVED
            )
            self.growing = None

    def derive(self, bucket: int, minutes: Sequence[Candle | None]) -> Candle:
        """Make a bucket's bar again from all its minutes and return it."""
        self.settle()
        present = [minute for minute in minutes if minute is not None]
        volume = 0.0
        for minute in present:  # in order, as `aggregated` adds them; sum() may compensate
            volume += minute.volume
        bar = Candle(
            self.timeframe,
            self.opens + bucket * self.length * MINUTE,
            present[0].open,
            max(minute.high for minute in present),
            min(minute.low for minute in present),
            present[-1].close,
            volume,
            bucket < self.next_bucket,
            any(minute.is_suspect for minute in present),
            DERIVED,
        )
        self.derived[bucket] = bar
        return bar

    def differences(self, bucket: int) -> list[Difference]:
        """Return the difference between vendor and minutes in one bucket, if there is one."""
        self.settle()
        derived, vendor = self.derived[bucket], self.vendor[bucket]
        if derived is None or same_values(derived, vendor):
            return []
        return [Difference(vendor, derived)]
