"""Longer intraday bars of one symbol, one candle at a time: the formula of `aggregate`, kept up to date.

Event time moves with the candles of one minute and with the clock's word that a bar has closed,
never with the machine's clock. A bar delivered by a vendor in its own timeframe wins over the
derived one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from lake.errors import BadInput
from lake.market.aggregate import LONGER_INTRADAY, micros
from lake.market.bars import Bars
from lake.market.buckets import MINUTE, Buckets
from lake.market.candles import (
    Candle,
    Change,
    Difference,
    Outcome,
    Pushed,
    bars_of_candles,
    candles_of,
    same_values,
)
from lake.market.sessions import Calendar
from lake.market.timeframes import INTRADAY_MINUTES


class Aggregator:
    """Keeps 5, 15 and 30 minute bars of one symbol's current session.

    With `emits_forming` false, forming bars are kept but no news. A candle is taken as it comes;
    checking it against the rules of quality is the caller's.
    """

    def __init__(
        self,
        symbol: str,
        calendar: Calendar,
        timeframes: Sequence[str] = LONGER_INTRADAY,
        emits_forming: bool = True,
    ) -> None:
        self.symbol = symbol
        self._calendar = calendar
        self._opens_at, self._closes_at = micros(calendar.opens_at), micros(calendar.closes_at)
        self._frames = [Buckets(name) for name in timeframes]
        self._emits_forming = emits_forming
        self._number, self._opens, self._closes, self._passed = -1, 0, 0, 0
        self._minutes: list[Candle | None] = []
        self._newest = -1

    @classmethod
    def restored(
        cls,
        calendar: Calendar,
        minutes: Bars,
        vendor: Sequence[Bars] = (),
        closed_until: int = 0,
        timeframes: Sequence[str] = LONGER_INTRADAY,
        emits_forming: bool = True,
    ) -> Self:
        """Return the aggregator that had seen these bars, of which only the last session counts.

        `vendor` are delivered bars of longer timeframes; `closed_until` is the latest `closes_at`
        of a complete bar in the lake, derived ones included.
        """
        self = cls(minutes.symbol, calendar, timeframes, emits_forming)
        sessions = [bars.session[-1] for bars in (minutes, *vendor) if len(bars)]
        for bars in (minutes, *vendor):
            for candle in candles_of(bars[bars.session == max(sessions)]) if sessions else ():
                self.push(candle)
        self._advance(min(closed_until, self._closes), [], [])
        return self

    @property
    def closed_until(self) -> int:
        """Return how far event time has come, in microseconds; 0 before the first candle."""
        return self._passed

    def push(self, candle: Candle) -> Pushed:
        """Take in a candle of one minute or a vendor's longer bar.

        Raises:
            BadInput: it is of a timeframe that this aggregator does not keep.
        """
        changes: list[Change] = []
        differences: list[Difference] = []
        if not self._opens <= candle.ts < self._closes:
            refusal = self._enter(candle.ts, changes, differences)
            if refusal:
                return Pushed(refusal, changes, differences)
        take = self._take_minute if candle.timeframe == "1m" else self._take_vendor
        return Pushed(take(candle, changes, differences), changes, differences)

    def close(self, timeframe: str, ts: int) -> Pushed:
        """Obey the clock: the bar of `timeframe` that starts at `ts`, in microseconds, has closed."""
        pushed = Pushed("new", [], [])
        self._advance(
            min(ts + INTRADAY_MINUTES[timeframe] * MINUTE, self._closes), pushed.changes, pushed.differences
        )
        return pushed

    def overdue(self, moment: int) -> tuple[str, int] | None:
        """Return timeframe and start of the bar that a clock has to close, if one ended by `moment`.

        Of several it is the one that ends last: its close closes the others too.
        """
        last: tuple[int, str, int] | None = None
        for frame in self._frames:
            for bucket in range(frame.next_bucket, frame.count):
                ends = frame.end(bucket)
                if ends > moment:
                    break
                if frame.effective(bucket) is not None and (last is None or ends > last[0]):
                    last = (ends, frame.timeframe, self._opens + bucket * frame.length * MINUTE)
        return last[1:] if last else None

    def forming(self, timeframe: str) -> tuple[Candle, int] | None:
        """Return the newest bar of `1m` or a longer timeframe, and when it ends, if it has not closed."""
        if timeframe == "1m":
            bar = self._minutes[self._newest] if self._newest >= 0 else None
            ends = min(bar.ts + MINUTE, self._closes) if bar is not None else 0
        else:
            frame = self._frame(timeframe)
            bucket = max(self._newest // frame.length if self._newest >= 0 else -1, frame.vendor_newest)
            bar = frame.effective(bucket) if bucket >= frame.next_bucket else None
            ends = frame.end(bucket)
        return (bar, ends) if bar is not None and not bar.is_closed and ends > self._passed else None

    def bars(self, timeframe: str) -> Bars:
        """Return the current session's bars of `1m` or a longer timeframe; a forming one is incomplete."""
        if timeframe == "1m":
            found = enumerate(self._minutes)
            length = 1
        else:
            frame = self._frame(timeframe)
            found = enumerate(frame.effective(bucket) for bucket in range(frame.count))
            length = frame.length
        rows = [(number, candle) for number, candle in found if candle is not None]
        ends = [min(self._opens + (number + 1) * length * MINUTE, self._closes) for number, _ in rows]
        session = self._calendar.sessions[max(self._number, 0)]
        return bars_of_candles(self.symbol, timeframe, session, ends, [candle for _, candle in rows])

    def _frame(self, timeframe: str) -> Buckets:
        for frame in self._frames:
            if frame.timeframe == timeframe:
                return frame
        kept = ", ".join(frame.timeframe for frame in self._frames)
        raise BadInput(f"expected a bar of 1m or of a timeframe that is kept ({kept}), found {timeframe!r}")

    def _enter(self, ts: int, changes: list[Change], differences: list[Difference]) -> Outcome | None:
        """Go on to the session of `ts` if it is a later one; else say why not."""
        number = int(np.searchsorted(self._opens_at, ts, side="right")) - 1
        if number < 0 or ts >= self._closes_at[number]:
            return "outside"
        if number < self._number:
            return "earlier_session"
        self._advance(self._closes, changes, differences)
        self._number, self._opens, self._closes = (
            number,
            int(self._opens_at[number]),
            int(self._closes_at[number]),
        )
        self._passed, self._newest = self._opens, -1
        self._minutes = [None] * -(-(self._closes - self._opens) // MINUTE)
        for frame in self._frames:
            frame.begin(self._opens, self._closes)
        return None

    def _take_minute(self, candle: Candle, changes: list[Change], differences: list[Difference]) -> Outcome:
        slot, off = divmod(candle.ts - self._opens, MINUTE)
        if off:
            return "outside"
        ends = min(candle.ts + MINUTE, self._closes)
        old = self._minutes[slot]
        if not candle.is_closed and (ends <= self._passed or (old is not None and old.is_closed)):
            return "stale"
        if old is not None and old.is_closed >= candle.is_closed and same_values(old, candle):
            return "repeat"
        outcome: Outcome = "correction" if ends <= self._passed else "new"
        self._advance(candle.ts, changes, differences)
        self._minutes[slot] = candle
        passed = max(self._passed, ends) if candle.is_closed else self._passed
        in_order, self._newest = slot > self._newest, max(slot, self._newest)
        for frame in self._frames:
            bucket = slot // frame.length
            if in_order and bucket >= frame.next_bucket and not self._emits_forming:
                frame.append(bucket, candle)
            else:
                self._update(frame, bucket, candle if in_order else None, passed, changes, differences)
        if passed > self._passed:
            self._advance(passed, changes, differences)
        return outcome

    def _update(
        self,
        frame: Buckets,
        bucket: int,
        appended: Candle | None,
        passed: int,
        changes: list[Change],
        differences: list[Difference],
    ) -> None:
        """Derive a bucket again: from its bar and the appended minute, or else from all its minutes."""
        frame.settle()
        old, has_closed = frame.derived[bucket], bucket < frame.next_bucket
        if appended is None or has_closed:
            first = bucket * frame.length
            bar = frame.derive(bucket, self._minutes[first : first + frame.length])
        else:
            bar = frame.appended(bucket, appended)
        if bucket in frame.vendor:
            if has_closed:
                differences += frame.differences(bucket)
            return
        ends = frame.end(bucket)
        if has_closed:
            if old is None or old[2:9] != bar[2:9]:
                changes.append(Change("corrected", bar, ends, old))
        elif self._emits_forming and ends > passed:
            changes.append(Change("forming", bar, ends))

    def _take_vendor(self, candle: Candle, changes: list[Change], differences: list[Difference]) -> Outcome:
        frame = self._frame(candle.timeframe)
        bucket, off = divmod(candle.ts - self._opens, frame.length * MINUTE)
        if off:
            return "outside"
        self._close_vendor_before(frame, candle.ts, changes)
        ends = frame.end(bucket)
        old, known = frame.vendor.get(bucket), frame.effective(bucket)
        has_passed = bucket < frame.next_bucket
        if not candle.is_closed and (
            has_passed or ends <= frame.vendor_passed or (old is not None and old.is_closed)
        ):
            return "stale"
        if old is not None and old.is_closed >= candle.is_closed and same_values(old, candle):
            return "repeat"
        frame.vendor[bucket] = candle
        frame.vendor_newest = max(bucket, frame.vendor_newest)
        frame.vendor_passed = max(frame.vendor_passed, ends if candle.is_closed else candle.ts)
        if has_passed:
            differences += frame.differences(bucket)
        if has_passed or (known is not None and known.is_closed):
            if known is not None and same_values(known, candle):
                return "new"
            changes.append(Change("corrected", candle, ends, known))
            return "correction"
        if candle.is_closed or self._emits_forming:
            changes.append(Change("closed" if candle.is_closed else "forming", candle, ends))
        return "new"

    def _close_vendor_before(self, frame: Buckets, ts: int, changes: list[Change]) -> None:
        """Close the vendor's newest bar if it was forming and a later one begins at `ts`."""
        bar, ends = frame.vendor.get(frame.vendor_newest), frame.end(frame.vendor_newest)
        if bar is not None and not bar.is_closed and ends <= ts:
            frame.vendor[frame.vendor_newest] = closed = bar._replace(is_closed=True)
            changes.append(Change("closed", closed, ends))

    def _advance(self, passed: int, changes: list[Change], differences: list[Difference]) -> None:
        """Move event time on to `passed` and close what ends by then."""
        if passed <= self._passed:
            return
        self._passed = passed
        self._close_minute(changes)
        for frame in self._frames:
            while frame.due <= passed and frame.next_bucket < frame.count:
                self._close_bucket(frame, frame.next_bucket, changes, differences)
                frame.next_bucket += 1
                frame.due = frame.end(frame.next_bucket)

    def _close_minute(self, changes: list[Change]) -> None:
        """Close the newest minute if it was forming and has ended without another word."""
        newest = self._minutes[self._newest] if self._newest >= 0 else None
        if newest is None or newest.is_closed:
            return
        ends = min(newest.ts + MINUTE, self._closes)
        if ends <= self._passed:
            self._minutes[self._newest] = closed = newest._replace(is_closed=True)
            changes.append(Change("closed", closed, ends))

    def _close_bucket(
        self, frame: Buckets, bucket: int, changes: list[Change], differences: list[Difference]
    ) -> None:
        frame.settle()
        derived, vendor = frame.derived[bucket], frame.vendor.get(bucket)
        if derived is not None:
            frame.derived[bucket] = derived = Candle(*derived[:7], True, *derived[8:])
        if vendor is None:
            if derived is not None:
                changes.append(Change("closed", derived, frame.end(bucket)))
            return
        if not vendor.is_closed:
            frame.vendor[bucket] = vendor._replace(is_closed=True)
            changes.append(Change("closed", frame.vendor[bucket], frame.end(bucket)))
        differences += frame.differences(bucket)
