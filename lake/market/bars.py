"""Bars and corporate actions of one symbol, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Times = NDArray[np.datetime64]  # datetime64[us], UTC
Dates = NDArray[np.datetime64]  # datetime64[D]

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume")


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one symbol and timeframe, oldest first, one array a column, all of one length.

    `ts` is the start, `closes_at` the moment from which the bar may be used, `session` the
    exchange date of its last session. Prices are on one basis, as the reader asked for: on the split
    basis `later_splits` is the product of the splits after each bar, which its price is divided by.
    """

    symbol: str
    timeframe: str
    ts: Times
    closes_at: Times
    session: Dates
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    is_complete: Bools
    is_suspect: Bools
    later_splits: Floats | None = None

    def __len__(self) -> int:
        return len(self.ts)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Self:
        """Return the chosen rows as bars."""
        later = self.later_splits
        chosen = {name: getattr(self, name)[rows] for name in ARRAYS}
        return replace(self, **chosen, later_splits=None if later is None else later[rows])

    def rescaled(self, factor: Floats) -> Self:
        """Return bars with prices divided and volume multiplied by `factor`, one value a bar."""
        later = None if self.later_splits is None else self.later_splits * factor
        return replace(self.repriced(1.0 / factor), volume=self.volume * factor, later_splits=later)

    def repriced(self, factor: Floats) -> Self:
        """Return bars with prices multiplied by `factor`, one value a bar, and volume as it is."""
        return replace(self, **{name: getattr(self, name) * factor for name in PRICES}, later_splits=None)


def followed_by(bars: Bars, more: Bars) -> Bars:
    """Return bars as traded and, after them, more of the same series."""
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(bars, name), getattr(more, name)]) for name in ARRAYS
    }
    return replace(bars, **joined)


ARRAYS = tuple(
    field.name for field in fields(Bars) if field.name not in ("symbol", "timeframe", "later_splits")
)


@dataclass(frozen=True, slots=True)
class Actions:
    """Splits and cash dividends of one symbol, each oldest first.

    A split of 2.0 turns one share into two; a dividend is cash per share in the terms of its
    ex-date. Both take effect before the open of their ex-date's session.
    """

    split_dates: Dates
    split_ratios: Floats
    dividend_dates: Dates
    dividends: Floats

    @classmethod
    def none(cls) -> Self:
        """Return the actions of a symbol that had none."""
        dates = np.empty(0, dtype="datetime64[D]")
        return cls(dates, np.empty(0), dates, np.empty(0))

    def up_to(self, session: np.datetime64) -> Self:
        """Return the actions whose ex-date is not after `session`."""
        splits, cash = self.split_dates <= session, self.dividend_dates <= session
        return replace(
            self,
            split_dates=self.split_dates[splits],
            split_ratios=self.split_ratios[splits],
            dividend_dates=self.dividend_dates[cash],
            dividends=self.dividends[cash],
        )
