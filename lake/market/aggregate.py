"""Longer intraday bars from one-minute candles, on event time.

Buckets start at the session's open and are cut at its end. A bucket exists if it has a candle, and
is complete once event time has reached its end: a later candle, or the close of its last minute.
`lake.market.aggregator` says the same one candle at a time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lake.errors import BadInput
from lake.market.bars import Bars, Times
from lake.market.sessions import Calendar
from lake.market.timeframes import intraday_length

LONGER_INTRADAY = ("5m", "15m", "30m")
"""Timeframes that are derived from one-minute candles."""

Indices = NDArray[np.int64]


def aggregated(
    minutes: Bars, timeframe: str, calendar: Calendar, closed_until: np.datetime64 | None = None
) -> Bars:
    """Return the bars of a longer timeframe, oldest first; `1d` gives one bar a session.

    Candles outside the sessions are left out. `closed_until` is a moment that is known to have
    passed although no candle says so. All prices must be on one basis.

    Raises:
        BadInput: the timeframe is not one that minutes make.
    """
    length = _length(timeframe)
    number = np.searchsorted(calendar.opens_at, minutes.ts, side="right") - 1
    inside = (number >= 0) & (minutes.ts < calendar.closes_at[number])
    rows, number = minutes[inside], number[inside]
    if not len(rows):
        return replace(rows, timeframe=timeframe)
    opens, ends = calendar.opens_at[number], calendar.closes_at[number]
    starts = opens + (rows.ts - opens) // length * length
    first = np.flatnonzero(np.diff(starts, prepend=starts[:1] - 1))
    last = np.append(first[1:], len(rows)) - 1
    closes_at = np.minimum(starts[first] + length, ends[first])
    passed = rows.closes_at[-1] if rows.is_complete[-1] else rows.ts[-1]
    sessions = calendar.sessions[number[first]]
    return Bars(
        symbol=minutes.symbol,
        timeframe=timeframe,
        ts=sessions.astype("datetime64[us]") if timeframe == "1d" else starts[first],
        closes_at=closes_at,
        session=sessions,
        open=rows.open[first],
        high=np.maximum.reduceat(rows.high, first),
        low=np.minimum.reduceat(rows.low, first),
        close=rows.close[last],
        volume=_sums_in_order(rows, first),
        is_complete=closes_at <= (passed if closed_until is None else max(passed, closed_until)),
        is_suspect=np.logical_or.reduceat(rows.is_suspect, first),
    )


def _length(timeframe: str) -> np.timedelta64:
    if timeframe == "1d":
        return np.timedelta64(24 * 60 * 60 * 1_000_000, "us")
    if timeframe not in LONGER_INTRADAY:
        raise BadInput(f"expected a timeframe that minutes make, 5m, 15m or 30m, found {timeframe!r}")
    return np.timedelta64(intraday_length(timeframe), "us")


def _sums_in_order(rows: Bars, first: Indices) -> NDArray[np.float64]:
    # numpy's own sums group their terms; a stream can only add one candle after the other.
    bucket = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(rows))))
    return np.bincount(bucket, weights=rows.volume).astype(np.float64)


def micros(moments: Times) -> Indices:
    """Return moments as microseconds since 1970, UTC, without a copy."""
    return moments.view(np.int64)
