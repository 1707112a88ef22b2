"""What a delivered row must be: impossible rows are set aside with a reason, odd ones noted.

Checked by batch and stream alike, before anything is committed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lake.market.bars import Bools, Floats

WIDE = 0.01
"""Open or close this far outside high-low is a closing auction's habit; farther is impossible."""

LARGEST = 1e15
"""No price or volume of a bar is larger; sums of such values stay finite."""

REASONS = {
    "blank": "a price is missing",
    "not_finite": "a value is not a finite number",
    "too_large": "a value is larger than any market's",
    "not_positive": "a price is zero or negative",
    "negative_volume": "the volume is negative",
    "high_below_low": "the high is below the low",
    "outside_range": "open or close lies more than 1% outside high-low",
    "off_session": "the exchange held no session then",
    "future": "the bar had not closed when it arrived",
    "misaligned": "the bar does not start where a bar of its timeframe starts",
    "bad_symbol": "the row names no symbol",
}
"""Reason codes of impossible rows."""

RELEASABLE = ("outside_range", "off_session")
"""Reasons that a person may overrule: the row has all its values, and could be right."""

RELEASED = "released: "
"""How a quality reason begins that a person has overruled."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """For each row the reason it is impossible (empty if it is not) and what is odd about it."""

    impossible: NDArray[np.str_]
    note: NDArray[np.str_]

    @property
    def accepted(self) -> Bools:
        """Return the mask of rows that may enter the lake."""
        mask: Bools = self.impossible == ""
        return mask


def check_values(open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats) -> Verdict:
    """Return the verdict on rows by their own values; a blank is NaN. The first reason found counts."""
    prices = np.vstack([open_, high, low, close])
    with np.errstate(invalid="ignore"):
        outside = np.maximum.reduce([open_ - high, close - high, low - open_, low - close])
        wide = outside / np.where(low > 0, low, 1.0)
        reason = np.select(
            [
                np.isnan(prices).any(axis=0),
                np.isinf(prices).any(axis=0) | ~np.isfinite(volume),
                (prices > LARGEST).any(axis=0) | (volume > LARGEST),
                (prices <= 0).any(axis=0),
                volume < 0,
                high < low,
                wide > WIDE,
            ],
            [
                "blank",
                "not_finite",
                "too_large",
                "not_positive",
                "negative_volume",
                "high_below_low",
                "outside_range",
            ],
            default="",
        )
        note = np.where((reason == "") & (outside > 0), "outside_range_within_1pct", "")
    return Verdict(reason, note)
