"""Splits and dividends that prices or neighbours contradict.

One that only disagrees with the source's own adjusted close is applied and shown; any other suspect
action is not applied until a person releases it. A tiny dividend alone is no fault.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lake.market.bars import Actions, Dates, Floats
from lake.market.sessions import Calendar
from lake.market.suspect_bars import Series, shows_split, splits_between
from lake.thresholds import DividendThresholds, Thresholds

DISAGREES = "disagrees"
"""The one reason that keeps no action from being applied, in `actions.is_applied` of sql/ as well."""

ACTION_SUSPICIONS = {
    "above_half_price": "the dividend is larger than half the price before it",
    "no_matching_fall": "the dividend is above 10% of the price, which did not fall to match",
    "far_above_neighbours": "the dividend is 20 times the median of those before it",
    "second_within_5_sessions": "another dividend was due within the 5 sessions before, "
    "or a better source has one within 5 sessions",
    "split_not_shown": "the as-traded prices do not step by the split's ratio",
    DISAGREES: "the source's own adjusted close used another value",
}
"""Reason codes of suspect actions."""

NO_DATES: Dates = np.empty(0, dtype="datetime64[D]")


@dataclass(frozen=True, slots=True)
class ActionVerdict:
    """Why one action is suspect (empty if it is not), and whether there was an adjusted close to ask."""

    reasons: tuple[str, ...]
    was_compared: bool


@dataclass(frozen=True, slots=True)
class _ExDate:
    """Prices around an ex-date, the close before it in the ex-date's terms."""

    before: float
    open: float
    close: float
    used: tuple[float, ...]

    @property
    def fall(self) -> float:
        return self.before - min(self.open, self.close)


def judge_split(bars: Series, actions: Actions, number: int, limits: Thresholds) -> ActionVerdict:
    """Return the verdict on one of the splits of `actions`."""
    row = _row_at(bars, actions.split_dates[number], limits)
    ratio = float(np.log(actions.split_ratios[number]))
    if row is None or bars.is_split_basis[row] or abs(ratio) < np.log(limits.bars.least_split):
        return ActionVerdict((), False)
    step = np.log(bars.close[row : row + 1] / bars.close[row - 1])
    is_shown = shows_split(step, np.array([ratio]), limits.bars)[0]
    return ActionVerdict(() if is_shown else ("split_not_shown",), False)


def judge_dividend(
    bars: Series,
    actions: Actions,
    number: int,
    calendar: Calendar,
    limits: Thresholds,
    better: Dates = NO_DATES,
) -> ActionVerdict:
    """Return the verdict on one of the dividends of `actions`.

    `better` are the days of those that come from better sources than it does: a dividend within a few
    sessions of one, before it too, is taken for the same one on a mistaken day.
    """
    day, cash = actions.dividend_dates[number], float(actions.dividends[number])
    row = _row_at(bars, day, limits)
    at = None if row is None else _ex_date(bars, row, actions)
    rules = limits.dividends
    reasons = [] if at is None else _against_price(cash, at, rules)
    is_matched = at is not None and cash >= rules.visible * at.before and _matches(cash, at, rules)
    if not is_matched and cash > rules.medians * _usual_dividend(actions, number, rules):
        reasons.append("far_above_neighbours")
    others = np.append(better, actions.dividend_dates[max(number - 1, 0) : number])
    if _sessions_apart(day, others, calendar) <= rules.sessions_apart:
        reasons.append("second_within_5_sessions")
    if at is not None and at.used and not _agrees(cash, at, rules):
        reasons.append(f"{DISAGREES} (used {at.used[0]:.6g})")
    return ActionVerdict(tuple(reasons), at is not None and bool(at.used))


def _row_at(bars: Series, day: np.datetime64, limits: Thresholds) -> int | None:
    """Return the first bar on or after a day, if that bar and the one before can be compared."""
    row = int(np.searchsorted(bars.session, day))
    if not 0 < row < len(bars) or bars.is_split_basis[row] != bars.is_split_basis[row - 1]:
        return None
    near = bars.ts[row] - bars.ts[row - 1] <= np.timedelta64(limits.window_days, "D")
    return row if near else None


def _ex_date(bars: Series, row: int, actions: Actions) -> _ExDate:
    split = 1.0
    if not bars.is_split_basis[row]:
        days = bars.session[row - 1 : row], bars.session[row : row + 1]
        split = float(splits_between(*days, actions)[0])
    before, close = float(bars.close[row - 1]) / split, float(bars.close[row])
    growth = float(bars.adj_close[row] / bars.adj_close[row - 1]) if bars.adj_close[row - 1] else np.nan
    used: tuple[float, ...] = ()
    if np.isfinite(growth) and growth > 0:  # as CRSP and Yahoo reckon it, and as Quandl WIKI did
        used = (before - close / growth, (before * growth - close) * split)
    return _ExDate(before, float(bars.open[row]), close, used)


def _against_price(cash: float, at: _ExDate, limits: DividendThresholds) -> list[str]:
    if cash > limits.largest * at.before:
        return ["above_half_price"]
    if cash > limits.noticeable * at.before and not _matches(cash, at, limits):
        return ["no_matching_fall"]
    return []


def _matches(cash: float, at: _ExDate, limits: DividendThresholds) -> bool:
    return at.fall >= limits.matching_fall * cash


def _agrees(cash: float, at: _ExDate, limits: DividendThresholds) -> bool:
    tolerance = max(limits.disagreement * cash, limits.rounding * at.before)
    return any(abs(used - cash) <= tolerance for used in at.used)


def _usual_dividend(actions: Actions, number: int, limits: DividendThresholds) -> float:
    """Return the median of the dividends before one, in its terms; infinity if they are too few."""
    oldest = actions.dividend_dates[number] - np.timedelta64(limits.neighbour_days, "D")
    nearest = int(np.searchsorted(actions.dividend_dates, oldest))
    earlier = slice(max(number - limits.neighbours, nearest), number)
    days: Dates = actions.dividend_dates[earlier]
    if len(days) < limits.least_neighbours:
        return np.inf
    until = np.full(len(days), actions.dividend_dates[number])
    terms: Floats = actions.dividends[earlier] / splits_between(days, until, actions)
    return float(np.median(terms))


def _sessions_apart(day: np.datetime64, others: Dates, calendar: Calendar) -> float:
    """Return how many sessions lie between a day and the nearest of some others; infinity without any."""
    this, *those = np.searchsorted(calendar.sessions, np.append(day, others)).tolist()
    return min((abs(each - this) for each in those), default=np.inf)
