"""Candles in any order give, one at a time, exactly the bars that the batch function makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lake.market.aggregate import LONGER_INTRADAY, aggregated
from lake.market.aggregator import Aggregator
from lake.market.bars import Bars
from lake.market.buckets import MINUTE
from lake.market.candles import Candle, Pushed, same_values
from lake.market.sessions import calendar
from lake.market.timeframes import INTRADAY_MINUTES

WINDOWS = [("XNYS", "2019-03-08"), ("XNYS", "2018-11-21"), ("XNYS", "2018-12-24"), ("XNSE", "2019-01-01")]
"""First sessions of: a change to summer time, half days, and a session that ends inside a bar."""

values = st.tuples(
    st.sampled_from([9.0, 10.0, 10.01, 11.5]),
    st.sampled_from([0.0, 0.1, 0.7, 100.0, 1e9 + 0.3]),
    st.sampled_from([False, False, False, True]),
)
COLUMNS = (
    "ts",
    "closes_at",
    "session",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "is_complete",
    "is_suspect",
)


class OneAtATime(RuleBasedStateMachine):
    """The model keeps the minutes that count, the vendor's bars and how far time has come."""

    @initialize(window=st.sampled_from(WINDOWS), forming=st.booleans(), start=st.integers(0, 5))
    def begin(self, window: tuple[str, str], forming: bool, start: int) -> None:
        self.calendar = calendar(window[0])
        self.number = int(np.searchsorted(self.calendar.sessions, np.datetime64(window[1])))
        self.forming = forming
        self.aggregator = Aggregator("AAPL", self.calendar, emits_forming=forming)
        self.minutes: dict[int, Candle] = {}
        self.vendor: dict[tuple[str, int], Candle] = {}
        self.told: dict[tuple[str, int], Candle] = {}
        self.passed = 0
        self.at = self.opens + start * MINUTE
        self.push(Candle("1m", self.at, 10.0, 10.0, 10.0, 10.0, 1.0))

    @property
    def opens(self) -> int:
        return int(self.calendar.opens_at[self.number].astype(np.int64))

    @property
    def closes(self) -> int:
        return int(self.calendar.closes_at[self.number].astype(np.int64))

    @rule(gap=st.integers(1, 40), closed=st.booleans(), value=values)
    def a_later_minute(self, gap: int, closed: bool, value: tuple[float, float, bool]) -> None:
        if self.at + gap * MINUTE < self.closes:
            self.at += gap * MINUTE
            self.push(candle("1m", self.at, value, closed))

    @rule(closed=st.booleans(), value=values)
    def the_newest_minute_again(self, closed: bool, value: tuple[float, float, bool]) -> None:
        self.push(candle("1m", self.at, value, closed))

    @rule(back=st.integers(1, 70), closed=st.booleans(), value=values)
    def an_older_minute(self, back: int, closed: bool, value: tuple[float, float, bool]) -> None:
        if self.at - back * MINUTE >= self.opens:
            self.push(candle("1m", self.at - back * MINUTE, value, closed))

    @rule(data=st.data())
    def a_repeat(self, data: st.DataObject) -> None:
        mine = [ts for ts in self.minutes if ts >= self.opens]
        again = self.minutes[data.draw(st.sampled_from(mine))]
        assert self.aggregator.push(again) == Pushed("repeat", [], [])

    @rule(jump=st.sampled_from([1, 1, 2]), value=values)
    @precondition(lambda self: self.at > self.opens)
    def the_next_session(self, jump: int, value: tuple[float, float, bool]) -> None:
        self.passed = self.closes
        self.close_minutes()
        self.number += jump
        self.at = self.opens
        self.push(candle("1m", self.at, value, True))

    @rule(to_end=st.integers(1, 16), value=values)
    def a_minute_near_the_end(self, to_end: int, value: tuple[float, float, bool]) -> None:
        self.at = max(self.at, self.closes - to_end * MINUTE)
        self.push(candle("1m", self.at, value, True))

    @rule(value=values)
    def candles_that_do_not_count(self, value: tuple[float, float, bool]) -> None:
        assert self.aggregator.push(candle("1m", self.opens - MINUTE, value, True)).outcome == "outside"
        assert self.aggregator.push(candle("1m", self.closes, value, True)).outcome == "outside"
        earlier = int(self.calendar.opens_at[self.number - 1].astype(np.int64))
        assert self.aggregator.push(candle("1m", earlier, value, True)) == Pushed("earlier_session", [], [])

    @rule(timeframe=st.sampled_from(["1m", *LONGER_INTRADAY]), offset=st.integers(-10, 40))
    def the_clock_speaks(self, timeframe: str, offset: int) -> None:
        length = INTRADAY_MINUTES[timeframe] * MINUTE
        start = self.opens + (self.at + offset * MINUTE - self.opens) // length * length
        self.passed = max(self.passed, min(start + length, self.closes))
        self.close_minutes()
        self.hear(self.aggregator.close(timeframe, start))

    @rule(timeframe=st.sampled_from(LONGER_INTRADAY), offset=st.integers(-60, 60), value=values)
    def a_vendors_bar(self, timeframe: str, offset: int, value: tuple[float, float, bool]) -> None:
        length = INTRADAY_MINUTES[timeframe] * MINUTE
        start = self.opens + (self.at + offset * MINUTE - self.opens) // length * length
        if self.opens <= start < self.closes:
            bar = candle(timeframe, start, value, True)
            old = self.vendor.get((timeframe, start))
            if old is None or not same_values(old, bar):
                self.vendor[timeframe, start] = bar
            self.hear(self.aggregator.push(bar))

    @rule()
    def a_restart(self) -> None:
        vendor = [
            self.bars([bar for (name, _), bar in sorted(self.vendor.items()) if name == timeframe], timeframe)
            for timeframe in LONGER_INTRADAY
        ]
        minutes = self.bars(list(self.minutes.values()), "1m")
        self.aggregator = Aggregator.restored(
            self.calendar, minutes, vendor, self.passed, emits_forming=self.forming
        )

    def push(self, bar: Candle) -> None:
        """Say in the model what the candle means, and hear what the aggregator says."""
        ends = bar.ts + MINUTE
        old = self.minutes.get(bar.ts)
        old_is_closed = old is not None and (old.is_closed or ends <= self.passed)
        counts = bar.is_closed or not (old_is_closed or ends <= self.passed)
        if counts and not (old is not None and old_is_closed >= bar.is_closed and same_values(old, bar)):
            self.minutes[bar.ts] = bar
        if counts:
            self.passed = max(self.passed, ends if bar.is_closed else bar.ts)
        self.close_minutes()
        self.hear(self.aggregator.push(bar))

    def close_minutes(self) -> None:
        self.minutes = {
            ts: known._replace(is_closed=known.is_closed or ts + MINUTE <= self.passed)
            for ts, known in self.minutes.items()
        }

    def hear(self, pushed: Pushed) -> None:
        for change in pushed.changes:
            key = (change.bar.timeframe, change.bar.ts)
            if change.status == "forming":
                assert self.forming
                assert key not in self.told
            elif change.status == "closed":
                assert key not in self.told
                self.told[key] = change.bar
            else:
                assert self.told.get(key) == change.replaces
                self.told[key] = change.bar

    def bars(self, candles: list[Candle], timeframe: str) -> Bars:
        """Return candles of any sessions as the lake would have them."""
        ordered = sorted(candles, key=lambda bar: bar.ts)
        ts = np.array([bar.ts for bar in ordered], dtype=np.int64).view("datetime64[us]")
        number = np.searchsorted(self.calendar.opens_at, ts, side="right") - 1
        length = np.timedelta64(INTRADAY_MINUTES[timeframe], "m")

        def column(name: str, kind: type) -> Any:
            return np.array([getattr(bar, name) for bar in ordered], dtype=kind)

        return Bars(
            "AAPL",
            timeframe,
            ts,
            np.minimum(ts + length, self.calendar.closes_at[number]),
            self.calendar.sessions[number],
            *(column(name, float) for name in ("open", "high", "low", "close", "volume")),
            column("is_closed", bool),
            column("is_suspect", bool),
        )

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "minutes"):
            return
        assert self.aggregator.closed_until == self.passed
        minutes = self.bars(list(self.minutes.values()), "1m")
        until = np.datetime64(self.passed, "us")
        mine = [row for row in rows(minutes) if row[0] >= self.opens]
        assert rows(self.aggregator.bars("1m")) == mine
        for timeframe in LONGER_INTRADAY:
            derived = aggregated(minutes, timeframe, self.calendar, until)
            vendor = {ts: bar for (name, ts), bar in self.vendor.items() if name == timeframe}
            expected = {row[0]: row for row in rows(derived)}
            expected |= {row[0]: row for row in rows(self.bars(list(vendor.values()), timeframe))}
            current = [row for _, row in sorted(expected.items()) if row[0] >= self.opens]
            assert rows(self.aggregator.bars(timeframe)) == current
            self.all_closed_bars_were_told(timeframe, expected, vendor)

    def all_closed_bars_were_told(
        self, timeframe: str, expected: dict[int, tuple[Any, ...]], vendor: dict[int, Candle]
    ) -> None:
        told = {ts: bar for (name, ts), bar in self.told.items() if name == timeframe}
        closed = {ts: row for ts, row in expected.items() if row[8]}
        assert told.keys() == closed.keys()
        for ts, row in closed.items():
            # A vendor's bar within rounding of what was told is no news.
            known = Candle(timeframe, ts, *row[3:10])
            assert same_values(told[ts], known) if ts in vendor else told[ts][2:9] == known[2:9]


def candle(timeframe: str, ts: int, value: tuple[float, float, bool], closed: bool) -> Candle:
    close, volume, suspect = value
    return Candle(timeframe, ts, 10.0, max(close, 10.0), min(close, 10.0), close, volume, closed, suspect)


def rows(bars: Bars) -> list[tuple[Any, ...]]:
    columns = (getattr(bars, name) for name in COLUMNS)
    return list(
        zip(
            *(c.view(np.int64).tolist() if c.dtype == "datetime64[us]" else c.tolist() for c in columns),
            strict=True,
        )
    )


TestOneAtATime = OneAtATime.TestCase
TestOneAtATime.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
