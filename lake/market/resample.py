"""Longer bars from daily ones: weeks, and buckets of N sessions that never move.

A week starts on its Monday. N-day bucket = session number, counted from the exchange's first
session in 1950, div N; so neither a new day nor a back-filled one moves an old bucket.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lake.market.adjust import split_factor
from lake.market.bars import Actions, Bars, Dates
from lake.market.sessions import Calendar
from lake.market.timeframes import kind_of, sessions_in

Indices = NDArray[np.int64]


def resampled(daily: Bars, actions: Actions, timeframe: str, calendar: Calendar) -> Bars:
    """Return the bars of a longer timeframe, in the as-traded terms of each bar's last session.

    The days of one bar are brought to that bar's last session by the splits between them, and by
    no later ones. A bar whose last session has not come yet is marked incomplete; its `closes_at`
    is when that session will close. Days that are no session of the calendar are an error of
    the caller: ingestion quarantines them.
    """
    if not len(daily):
        return replace(daily, timeframe=timeframe)
    numbers = calendar.ordinals(daily.session)
    buckets = _buckets(timeframe, calendar)
    bucket = buckets[numbers]
    first = np.flatnonzero(np.diff(bucket, prepend=bucket[:1] - 1))
    last = np.append(first[1:], len(daily)) - 1
    days = daily.rescaled(_factor_within(daily.session, last, first, actions))
    final_session = np.searchsorted(buckets, bucket[first], side="right") - 1
    return Bars(
        symbol=daily.symbol,
        timeframe=timeframe,
        ts=_starts(timeframe, calendar, buckets, bucket[first]),
        closes_at=calendar.closes_at[final_session],
        session=daily.session[last],
        open=days.open[first],
        high=np.maximum.reduceat(days.high, first),
        low=np.minimum.reduceat(days.low, first),
        close=days.close[last],
        volume=np.add.reduceat(days.volume, first),
        is_complete=final_session <= numbers[-1],
        is_suspect=np.logical_or.reduceat(days.is_suspect, first),
    )


def _buckets(timeframe: str, calendar: Calendar) -> Indices:
    """Return the bucket of every session of the calendar; buckets rise with the sessions."""
    if kind_of(timeframe) == "weekly":
        return _mondays(calendar.sessions).astype(np.int64)
    return np.arange(len(calendar.sessions), dtype=np.int64) // sessions_in(timeframe)


def _starts(timeframe: str, calendar: Calendar, buckets: Indices, wanted: Indices) -> NDArray[np.datetime64]:
    if kind_of(timeframe) == "weekly":
        return wanted.astype("datetime64[D]").astype("datetime64[us]")
    return calendar.sessions[np.searchsorted(buckets, wanted)].astype("datetime64[us]")


def _mondays(sessions: Dates) -> Dates:
    # 1970-01-01, day 0, was a Thursday: three days after its Monday.
    days = sessions.astype(np.int64)
    return (days - (days + 3) % 7).astype("datetime64[D]")


def _factor_within(sessions: Dates, last: Indices, first: Indices, actions: Actions) -> NDArray[np.float64]:
    """Return, for each day, the product of the splits after it up to its bar's last session."""
    later = split_factor(sessions, actions)
    factor: NDArray[np.float64] = later / np.repeat(later[last], last - first + 1)
    return factor
