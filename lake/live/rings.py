"""The last bars of every series of one timeframe, as arrays: one row a series, oldest bar first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from lake.features.indicator import SPLIT_EXPONENT
from lake.features.own_terms import OwnTerms
from lake.features.registry import REGISTRY
from lake.market.bars import PRICES, VALUES, Bars, Bools, Floats
from lake.market.candles import Candle
from lake.rules.memory import Numbers

TIMES = ("ts", "closes_at", "session")


Item = TypeVar("Item", bound=np.generic)


class Rings:
    """Bars on the split basis of each series' current session, with their columns.

    `elsewhere` names what they know of other timeframes, which a split leaves as it was.

    `count` is how many bars a series has, `begins` the place of its session's first. At the start of
    a session all but the last `keep` bars are forgotten.
    """

    def __init__(
        self, columns: tuple[str, ...], keep: int, session_bars: int, elsewhere: tuple[str, ...] = ()
    ) -> None:
        self.keep, self.size = keep, keep + session_bars
        self.columns, self.elsewhere = columns, elsewhere
        self.count: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.begins: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        names = (*VALUES, "later_splits", *columns, *elsewhere)
        self.floats = {name: np.full((0, self.size), np.nan) for name in names}
        self.times: dict[str, NDArray[np.int64]] = {
            name: np.zeros((0, self.size), dtype=np.int64) for name in TIMES
        }
        self.is_suspect: NDArray[np.bool_] = np.zeros((0, self.size), dtype=np.bool_)

    def add(self, series: int) -> None:
        """Make room for more series."""

        def taller(array: NDArray[Item], fill: float) -> NDArray[Item]:
            return np.concatenate((array, np.full((series, *array.shape[1:]), fill, dtype=array.dtype)))

        self.count, self.begins = taller(self.count, 0), taller(self.begins, 0)
        self.floats = {name: taller(array, np.nan) for name, array in self.floats.items()}
        self.times = {name: taller(array, 0) for name, array in self.times.items()}
        self.is_suspect = taller(self.is_suspect, 0)

    def begin(self, series: int) -> None:
        """Start a session: forget what is too old, and let the next bar be the session's first."""
        count = int(self.count[series])
        dropped = max(count - self.keep, 0)
        if dropped:
            for array in (*self.floats.values(), *self.times.values(), self.is_suspect):
                array[series, : self.keep] = array[series, dropped:count]
        self.count[series] = self.begins[series] = count - dropped

    def append(self, series: Numbers, session: Numbers, closes_at: Numbers, candles: list[Candle]) -> Numbers:
        """Put one bar each at the end of some series, or several of one, and return their places."""
        places = self.count[series] + _occurrence(series)
        fields = np.array([candle[1:7] for candle in candles], dtype=np.float64)
        self.times["ts"][series, places] = [candle.ts for candle in candles]
        self.times["closes_at"][series, places] = closes_at
        self.times["session"][series, places] = session
        for number, name in enumerate(VALUES, start=1):
            self.floats[name][series, places] = fields[:, number]
        self.floats["later_splits"][series, places] = 1.0
        self.is_suspect[series, places] = [candle.is_suspect for candle in candles]
        np.add.at(self.count, series, 1)
        return places

    def fill(self, series: int, bars: Bars, columns: dict[str, Floats], later_splits: Floats) -> None:
        """Set a series to the last `keep` of bars of earlier sessions, given on the split basis."""
        now = OwnTerms.of(later_splits).in_last_terms(bars)
        kept = slice(max(len(bars) - self.keep, 0), len(bars))
        count = kept.stop - kept.start
        for name in VALUES:
            self.floats[name][series, :count] = getattr(now, name)[kept]
        for name in (*self.columns, *self.elsewhere):
            self.floats[name][series, :count] = columns[name][kept]
        self.floats["later_splits"][series, :count] = later_splits[kept]
        for name, moments in (("ts", bars.ts), ("closes_at", bars.closes_at)):
            self.times[name][series, :count] = moments[kept].astype("datetime64[us]").astype(np.int64)
        self.times["session"][series, :count] = bars.session[kept].astype("datetime64[D]").astype(np.int64)
        self.is_suspect[series, :count] = bars.is_suspect[kept]
        self.count[series] = self.begins[series] = count

    def values(self, name: str, series: Numbers, places: Numbers) -> Floats:
        """Return what functions take of new bars; no split stands before one, since rings are rescaled."""
        if name == "split":
            return np.ones(len(series))
        values = self.times[name] if name in self.times else self.floats[name]
        return values[series, places].astype(np.float64)

    def bars(self, symbol: str, timeframe: str, series: int) -> Bars:
        """Return all bars of a series."""
        rows = slice(0, int(self.count[series]))
        values: dict[str, Any] = {name: self.floats[name][series, rows] for name in VALUES}
        return Bars(
            symbol,
            timeframe,
            self.times["ts"][series, rows].view("datetime64[us]"),
            self.times["closes_at"][series, rows].view("datetime64[us]"),
            self.times["session"][series, rows].view("datetime64[D]"),
            is_complete=np.ones(rows.stop, dtype=np.bool_),
            is_suspect=self.is_suspect[series, rows],
            later_splits=self.floats["later_splits"][series, rows],
            **values,
        )

    def rescale(self, series: int, ratio: float) -> None:
        """Bring a series to the terms after a split."""
        for name in PRICES:
            self.floats[name][series] /= ratio
        for name in ("volume", "later_splits"):
            self.floats[name][series] *= ratio
        for name in self.columns:
            exponent = SPLIT_EXPONENT[REGISTRY.indicator(name).scale]
            if exponent:
                self.floats[name][series] *= ratio**exponent


@dataclass(frozen=True, slots=True)
class Segments:
    """Where new bars stand in rings, those of each series after some that it had before.

    `series` and `place` say which bar each row is; `is_missing` where a history has none so old.
    """

    series: Numbers
    place: Numbers
    is_new: Bools
    is_missing: Bools

    @classmethod
    def of(cls, series: Numbers, places: Numbers, before: int) -> Self:
        """Return the segments of new bars, which stand by series, with `before` older bars each."""
        is_first = np.append(True, series[1:] != series[:-1])
        firsts = np.flatnonzero(is_first)
        count = len(series) + before * len(firsts)
        is_new = np.ones(count, dtype=np.bool_)
        old = (firsts + before * np.arange(len(firsts)))[:, None] + np.arange(before)
        is_new[old.ravel()] = False
        of, place = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        of[is_new], place[is_new] = series, places
        of[old.ravel()] = np.repeat(series[firsts], before)
        place[old.ravel()] = (places[firsts][:, None] + np.arange(-before, 0)).ravel()
        is_missing = place < 0
        return cls(of, np.where(is_missing, 0, place), is_new, is_missing)

    def of_ring(self, ring: Floats) -> Floats:
        """Return the rows' values of a ring, NaN where there is no such bar."""
        values = ring[self.series, self.place]
        values[self.is_missing] = np.nan
        return values


def _occurrence(series: Numbers) -> Numbers:
    """Return for each entry how many equal ones stand right before it; equal ones stand together."""
    places = np.arange(len(series))
    is_first: Bools = np.append(True, series[1:] != series[:-1])
    return places - np.maximum.accumulate(np.where(is_first, places, 0))
