"""One intraday bar as a value: what a stream carries, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from lake.market.bars import Bars

SAME = 1e-6
"""Relative difference up to which two deliveries of one bar are the same, as in the lake's merge."""


class Candle(NamedTuple):
    """An intraday bar of one symbol; `ts` is its start in microseconds since 1970, UTC.

    A candle that is not closed is forming: its values are those of its trades so far.
    """

    timeframe: str
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    is_closed: bool = True
    is_suspect: bool = False
    source: str = ""


Status = Literal["forming", "closed", "corrected"]
Outcome = Literal["new", "correction", "repeat", "stale", "earlier_session", "outside"]


class Change(NamedTuple):
    """News of one bar. A corrected bar had closed before; `replaces` is what it was, None if absent."""

    status: Status
    bar: Candle
    closes_at: int
    replaces: Candle | None = None


class Difference(NamedTuple):
    """A closed bar that the vendor and the minutes tell differently; the vendor's counts."""

    vendor: Candle
    derived: Candle


class Pushed(NamedTuple):
    """What a candle was, which bars it changed, oldest first, and where vendor and minutes differ.

    new: first seen, or more of a forming one. correction: older than the newest, or another version
    of a closed one. repeat: known. stale: forming although closed. earlier_session: of a session
    that is over, to be landed and left to batch. outside: no bar of a session starts there.
    """

    outcome: Outcome
    changes: list[Change]
    differences: list[Difference]


def same_values(one: Candle, other: Candle) -> bool:
    """Return whether two candles of one bar say the same, but for whether it has closed."""
    if one.is_suspect != other.is_suspect:
        return False
    if one[2:7] == other[2:7]:
        return True
    pairs = zip(one[2:7], other[2:7], strict=True)
    return all(abs(a - b) <= SAME * max(abs(a), abs(b)) for a, b in pairs)


def candles_of(bars: Bars, source: str = "") -> Iterator[Candle]:
    """Yield intraday bars as candles, oldest first; a bar that is complete has closed."""
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.is_complete, bars.is_suspect)
    rows = zip(bars.ts.astype(np.int64).tolist(), *(column.tolist() for column in columns), strict=True)
    for row in rows:
        yield Candle._make((bars.timeframe, *row, source))


def bars_of_candles(
    symbol: str, timeframe: str, session: np.datetime64, closes_at: Sequence[int], candles: Sequence[Candle]
) -> Bars:
    """Return the candles of one session as bars; `closes_at` is in microseconds, one a candle."""
    count = len(candles)
    columns = list(zip(*candles, strict=True)) if count else [()] * len(Candle._fields)
    values = {name: np.array(columns[number], dtype=float) for number, name in _VALUES}
    return Bars(
        symbol=symbol,
        timeframe=timeframe,
        ts=np.array(columns[1], dtype=np.int64).view("datetime64[us]"),
        closes_at=np.array(closes_at, dtype=np.int64).view("datetime64[us]"),
        session=np.full(count, session, dtype="datetime64[D]"),
        is_complete=np.array(columns[7], dtype=bool),
        is_suspect=np.array(columns[8], dtype=bool),
        **values,
    )


_VALUES = tuple((number, Candle._fields[number]) for number in range(2, 7))
