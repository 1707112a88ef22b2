"""May a delivered bar enter the lake: its values and its time together, for batch and stream alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from lake.market.bars import VALUES, Bools, Floats, Times
from lake.market.quality import check_values
from lake.market.sessions import Calendar
from lake.market.timing import Timing, timed

PRICE_DECIMALS = 8
"""Prices are rounded to this many decimals on the way in."""


@dataclass(frozen=True, slots=True)
class Admission:
    """For each bar the reason it is impossible (empty if it is not), what is odd about it, and its timing."""

    reason: NDArray[np.str_]
    note: NDArray[np.str_]
    timing: Timing


def admitted(
    ts: Times,
    values: Mapping[str, Floats],
    timeframe: str,
    calendar: Calendar,
    now: datetime,
    is_closed: Bools | None = None,
) -> Admission:
    """Return the verdict on bars of one timeframe and exchange at the moment `now`; values come first.

    All bars claim to be closed unless `is_closed` says otherwise; a forming one need only have begun.
    """
    timing = timed(ts, timeframe, calendar).by(now, is_closed)
    checked = check_values(*(values[name] for name in VALUES))
    reason = np.where(checked.impossible != "", checked.impossible, timing.reason)
    return Admission(reason, checked.note, timing)


def rounded(values: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return bar values as the lake keeps them: prices to 8 decimals, volume as it is."""
    with np.errstate(over="ignore"):  # of a row that is set aside
        prices = {name: np.round(values[name], PRICE_DECIMALS) for name in VALUES[:-1]}
    return {**prices, "volume": values["volume"]}
