"""When bars are: their session, the moment each is complete, and what is wrong with their start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from lake.market.bars import Bools, Dates, Times
from lake.market.sessions import Calendar
from lake.market.timeframes import intraday_length, kind_of


@dataclass(frozen=True, slots=True)
class Timing:
    """For each bar its session, when it closes, and why its start is impossible (empty if it is not).

    `outside` says of intraday bars that they lie in the hours around their day's session.
    """

    starts_at: Times
    session: Dates
    closes_at: Times
    reason: NDArray[np.str_]
    outside: Bools

    def by(self, now: datetime, is_closed: Bools | None = None) -> Timing:
        """Return the timing at a moment: what cannot have been said by then is of the future.

        A bar that claims to be closed (all do without `is_closed`) has to be over, another one begun.
        """
        due = self.closes_at if is_closed is None else np.where(is_closed, self.closes_at, self.starts_at)
        unclosed = (self.reason == "") & (due > np.datetime64(now.replace(tzinfo=None), "us"))
        return replace(self, reason=np.where(unclosed, "future", self.reason))


def timed(ts: Times, timeframe: str, calendar: Calendar) -> Timing:
    """Return the timing of bars that start at `ts`; not-a-time is a blank."""
    kind = kind_of(timeframe)
    if kind == "weekly":
        return _weekly(ts, calendar)
    return _daily(ts, calendar) if kind == "daily" else _intraday(ts, timeframe, calendar)


def _daily(ts: Times, calendar: Calendar) -> Timing:
    days = ts.astype("datetime64[D]")
    numbers = calendar.ordinals(days)
    reason = np.select(
        [np.isnat(ts), numbers < 0, ts != days], ["blank", "off_session", "misaligned"], default=""
    )
    # A row of no session closes with its day; it stays out unless a person releases it.
    closes_at = np.where(numbers < 0, ts + np.timedelta64(1, "D"), calendar.closes_at[numbers])
    return Timing(ts, days, closes_at, reason, np.zeros(len(ts), dtype=bool))


def _weekly(ts: Times, calendar: Calendar) -> Timing:
    """Return the timing of weeks by their Mondays: each closes with its last session."""
    days = ts.astype("datetime64[D]")
    last = np.searchsorted(calendar.sessions, days + np.timedelta64(7, "D")) - 1
    session = calendar.sessions[np.maximum(last, 0)]
    is_monday = (days.astype(np.int64) + 3) % 7 == 0  # 1970-01-01, day 0, was a Thursday
    reason = np.select(
        [np.isnat(ts), ~is_monday | (ts != days), (last < 0) | (session < days)],
        ["blank", "misaligned", "off_session"],
        default="",
    )
    closes_at = calendar.closes_at[np.maximum(last, 0)]
    return Timing(ts, session, np.maximum(closes_at, ts), reason, np.zeros(len(ts), dtype=bool))


def _intraday(ts: Times, timeframe: str, calendar: Calendar) -> Timing:
    number = np.maximum(np.searchsorted(calendar.opens_at, ts, side="right") - 1, 0)
    opens, closes = calendar.opens_at[number], calendar.closes_at[number]
    length = np.timedelta64(intraday_length(timeframe), "us")
    # A day without a session is wrong; the hours around one are merely extended.
    outside = ((ts < opens) | (ts >= closes)) & ~np.isnat(ts)
    off_session = outside.copy()
    off_session[outside] = calendar.ordinals(_local_days(ts[outside], calendar)) < 0
    misaligned = (ts - opens) % length != np.timedelta64(0, "us")
    reason = np.select(
        [np.isnat(ts), off_session, ~outside & misaligned], ["blank", "off_session", "misaligned"], default=""
    )
    closes_at = np.minimum(ts + length, closes)
    return Timing(ts, calendar.sessions[number], closes_at, reason, outside & ~off_session)


def _local_days(ts: Times, calendar: Calendar) -> Dates:
    """Return the dates on the exchange's clocks: a Friday's late trades are Saturday's in UTC.

    Moments outside the calendar keep their date in UTC, on which there is no session either.
    """
    days = ts.astype("datetime64[D]")
    zone = ZoneInfo(calendar.zone)
    inside = (ts >= calendar.opens_at[0]) & (ts <= calendar.closes_at[-1])
    for row in np.flatnonzero(inside).tolist():
        days[row] = ts[row].item().replace(tzinfo=UTC).astimezone(zone).date()
    return days
