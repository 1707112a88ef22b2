"""Labels: the total return that could be traded after a bar was known.

A bar t may be used from its close, so the earliest price one could have is the open of bar t+1.
The label of horizon h is the total return from that open to the open of bar t+1+h. Dividends and
splits with an ex-date in (session(t+1), session(t+1+h)] count: who buys on the ex-date's open
gets no dividend, who sells on it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lake.market.adjust import adjusted
from lake.market.bars import Actions, Bars, Bools, Floats, Times
from lake.market.sessions import Calendar
from lake.market.timeframes import kind_of


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of one horizon, one value a bar; NaN and NaT where there is no full label.

    `value` is a fraction (0.01 = 1%), `opens_at` and `ends_at` are the moments of the two opens.
    """

    horizon: int
    value: Floats
    opens_at: Times
    ends_at: Times

    def of(self, rows: Bools) -> Labels:
        """Return the labels of the chosen bars."""
        return Labels(self.horizon, self.value[rows], self.opens_at[rows], self.ends_at[rows])


def forward_returns(
    bars: Bars, actions: Actions, opens: Times, horizons: Sequence[int]
) -> tuple[Labels, ...]:
    """Return the labels of each horizon, counted in bars.

    `bars` are complete and as traded, `opens` the moments they opened. A label needs all its bars
    t+1 to t+1+h, none of them suspect.
    """
    total = adjusted(bars, actions, "total").open
    return tuple(_label(total, opens, bars.is_suspect, horizon) for horizon in horizons)


def last_ends_at(labels: Sequence[Labels]) -> Times:
    """Return, for each bar, when the last of its labels ends; NaT where it has none."""
    # fmax passes over NaT where the other side has a time.
    ends: Times = np.fmax.reduce([label.ends_at for label in labels])
    return ends


def opens_at(bars: Bars, calendar: Calendar) -> Times:
    """Return the moment each bar opened: for daily and longer bars the open of its first session."""
    if kind_of(bars.timeframe) == "intraday":
        return bars.ts
    first = np.searchsorted(calendar.sessions, bars.ts.astype("datetime64[D]"))
    return calendar.opens_at[first]


def _label(total: Floats, opens: Times, is_suspect: Bools, horizon: int) -> Labels:
    value = np.full(len(total), np.nan)
    starts_at = np.full(len(total), "NaT", dtype="datetime64[us]")
    ends_at = starts_at.copy()
    count = len(total) - horizon - 1
    if count > 0:
        suspect = np.append(0, np.cumsum(is_suspect))
        clean = suspect[horizon + 2 :] == suspect[1 : count + 1]
        rows = np.flatnonzero(clean)
        value[rows] = total[rows + horizon + 1] / total[rows + 1] - 1.0
        starts_at[rows], ends_at[rows] = opens[rows + 1], opens[rows + horizon + 1]
    return Labels(horizon, value, starts_at, ends_at)
