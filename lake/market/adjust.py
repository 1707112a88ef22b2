"""Adjustment at read: raw, split, total.

Backward factors as CRSP and Yahoo use them: before a split of ratio r prices are divided by r;
before a dividend d they are multiplied by (previous close - d) / previous close.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from lake.market.bars import Actions, Bars, Dates, Floats

Basis = Literal["raw", "split", "total"]


def adjusted(bars: Bars, actions: Actions, basis: Basis) -> Bars:
    """Return `bars`, given as traded, on another basis; `total` needs daily bars.

    Only actions with an ex-date up to the last bar's session count: a split announced for
    tomorrow changes nothing today.
    """
    if basis == "raw" or not len(bars):
        return bars
    known = actions.up_to(bars.session[-1])
    later_splits = split_factor(bars.session, known)
    bars_split = replace(bars.rescaled(later_splits), later_splits=later_splits)
    if basis == "split":
        return bars_split
    return bars_split.repriced(dividend_factor(bars, known))


def split_factor(sessions: Dates, actions: Actions) -> Floats:
    """Return, for each session, the product of all split ratios with a later ex-date."""
    return _product_of_later(sessions, actions.split_dates, actions.split_ratios)


def dividend_factor(bars: Bars, actions: Actions) -> Floats:
    """Return, for each as-traded bar, the product of (c - d) / c over all later ex-dates.

    `c` is the as-traded close of the last bar before the ex-date, brought to the ex-date's
    terms if a split shares that date, since the dividend is paid on the new shares.
    """
    before = np.searchsorted(bars.session, actions.dividend_dates, side="left") - 1
    usable = before >= 0
    dates, cash, rows = actions.dividend_dates[usable], actions.dividends[usable], before[usable]
    same_day = _ratio_between(bars.session[rows], dates, actions)
    close = bars.close[rows] / same_day
    return _product_of_later(bars.session, dates, (close - cash) / close)


def _ratio_between(after: Dates, until: Dates, actions: Actions) -> Floats:
    """Return the product of split ratios with an ex-date in (after, until], elementwise."""
    return _product_of_later(after, actions.split_dates, actions.split_ratios) / _product_of_later(
        until, actions.split_dates, actions.split_ratios
    )


def _product_of_later(sessions: Dates, dates: Dates, factors: Floats) -> Floats:
    # tail[i] is the product of factors[i:], so the factor of a session is one look-up.
    tail = np.append(np.cumprod(factors[::-1])[::-1], 1.0)
    return tail[np.searchsorted(dates, sessions, side="right")]
