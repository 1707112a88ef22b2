"""Which delivered candles are suspect: the verdict of batch, one candle at a time.

Most candles are near the one before and cost a comparison; only a large step, or a session on which a
split is recorded, is judged by `lake.market.suspect_bars`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from lake.market.aggregate import micros
from lake.market.bars import VALUES, Actions
from lake.market.candles import Candle
from lake.market.sessions import Calendar
from lake.market.suspect_bars import MOST_RETURNS, Series, suspect_bars
from lake.thresholds import Thresholds

WINDOW = MOST_RETURNS + 1
"""Candles before one that its verdict may rest on."""

_NONE: list[Candle] = []


class Suspicion:
    """The last delivered candles of one symbol and timeframe, oldest first."""

    __slots__ = (
        "_actions",
        "_calendar",
        "_candles",
        "_closes",
        "_has_splits",
        "_limits",
        "_opens",
        "_small",
        "_timeframe",
        "_wide",
    )

    def __init__(self, timeframe: str, calendar: Calendar, limits: Thresholds, actions: Actions) -> None:
        self._timeframe, self._calendar, self._limits, self._actions = timeframe, calendar, limits, actions
        self._candles: list[Candle] = []
        self._opens, self._closes = 0, 0
        self._small, self._wide = limits.bars.jump_return, limits.bars.widest_range
        self._has_splits = len(actions.split_dates) > 0

    def remember(self, candles: Sequence[Candle]) -> None:
        """Start with the last of landed candles."""
        self._candles = list(candles[-WINDOW:])

    def judged(self, candle: Candle) -> tuple[str, list[Candle]]:
        """Return a candle's reasons, empty if plausible, and the candle after it if its verdict turns."""
        known = self._candles
        if known:
            last = known[-1]
            if candle.ts > last.ts and self._is_plain(last, candle):
                known.append(candle)
                if len(known) > 2 * WINDOW:
                    del known[:-WINDOW]
                return "", _NONE
        place = len(known)
        if known and candle.ts <= known[-1].ts:
            place = bisect_left(known, candle.ts, key=lambda each: each.ts)
            if place < len(known) and known[place].ts == candle.ts:
                del known[place]
        codes = self._codes(place, candle)
        known.insert(place, candle._replace(is_suspect=bool(codes)) if codes else candle)
        turned = self._turned(place + 1) if place + 1 < len(known) else []
        if len(known) > 2 * WINDOW:
            del known[:-WINDOW]
        return codes, turned

    def _turned(self, place: int) -> list[Candle]:
        after = self._candles[place]
        is_suspect = bool(self._codes(place, after))
        if is_suspect == after.is_suspect:
            return []
        self._candles[place] = after._replace(is_suspect=is_suspect)
        return [self._candles[place]]

    def _codes(self, place: int, candle: Candle) -> str:
        if place == 0 or self._is_plain(self._candles[place - 1], candle):
            return ""
        window = [*self._candles[max(place - WINDOW, 0) : place], candle]
        codes = suspect_bars(self._series(window), self._actions, self._timeframe, self._limits)
        return str(codes[-1])

    def _is_plain(self, before: Candle, candle: Candle) -> bool:
        """Return whether a candle needs no judgement: small step and range, no split in between."""
        if abs(candle.close - before.close) > self._small * before.close:
            return False
        if candle.high > self._wide * candle.close or candle.low * self._wide < candle.close:
            return False
        if not self._has_splits or self._opens <= before.ts < candle.ts < self._closes:
            return True
        opens_at, closes_at = micros(self._calendar.opens_at), micros(self._calendar.closes_at)
        number = int(np.searchsorted(opens_at, candle.ts, side="right")) - 1
        self._opens, self._closes = int(opens_at[number]), int(closes_at[number])
        return self._opens <= before.ts

    def _series(self, candles: Sequence[Candle]) -> Series:
        ts = np.array([candle.ts for candle in candles], dtype=np.int64).view("datetime64[us]")
        values = np.array([candle[2:7] for candle in candles], dtype=np.float64).T
        number = np.searchsorted(self._calendar.opens_at, ts, side="right") - 1
        count = len(candles)
        return Series(
            ts,
            self._calendar.sessions[number],
            **dict(zip(VALUES, values, strict=True)),
            is_split_basis=np.zeros(count, dtype=np.bool_),
            applied_split=np.ones(count),
            adj_close=np.full(count, np.nan),
        )
