"""Timeframes: the names of bar lengths and what kind each one is."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

from lake.errors import BadInput

INTRADAY_MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30}
N_DAYS = tuple(range(2, 14))
DAILY_AND_LONGER = ("1d", "1wk", *(f"{n}d" for n in N_DAYS))
TIMEFRAMES = (*INTRADAY_MINUTES, *DAILY_AND_LONGER)

Kind = Literal["intraday", "daily", "weekly", "n_day"]

_N_DAY = re.compile(r"(\d+)d")


def parse_timeframe(text: str) -> str:
    """Return `text` if it names a timeframe.

    Raises:
        BadInput: it does not.
    """
    if text not in TIMEFRAMES:
        raise BadInput(f"expected a timeframe, one of {', '.join(TIMEFRAMES)}, found {text!r}")
    return text


def kind_of(timeframe: str) -> Kind:
    """Return whether a timeframe is intraday, daily, weekly or counts sessions."""
    if timeframe in INTRADAY_MINUTES:
        return "intraday"
    if timeframe == "1d":
        return "daily"
    return "weekly" if timeframe == "1wk" else "n_day"


def intraday_length(timeframe: str) -> timedelta:
    """Return the length of an intraday bar."""
    return timedelta(minutes=INTRADAY_MINUTES[timeframe])


def sessions_in(timeframe: str) -> int:
    """Return the N of an N-day timeframe; 1 for `1d`."""
    match = _N_DAY.fullmatch(timeframe)
    if not match:
        raise BadInput(f"expected an N-day timeframe, found {timeframe!r}")
    return int(match.group(1))
