"""Where a symbol stands: the timeframe that its averages fit best, and whether to buy, hold or sell.

Both look at the last complete bars of the symbol's N-day timeframes, on the split basis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lake.features.indicator import TOLERANCE
from lake.market.bars import Floats
from lake.market.timeframes import N_DAYS

Stance = Literal["buy", "hold", "sell"]

TIMEFRAMES = ("1d", *(f"{n}d" for n in N_DAYS))
"""Candidates for the best timeframe."""

BUYS_ON, SELLS_ON = ("1d", "3d", "6d", "13d"), ("1d", "3d")
"""Timeframes on which a stock that is bought stands above its averages, and is sold below one of them."""

COLUMNS = ("ema_13", "ema_169")
FIT_BARS = 60
"""Bars over which the closes below `ema_13` are summed up."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The last complete bar of one timeframe beside its averages, NaN where the history is too short.

    `shortfall` is the sum of how far the last `FIT_BARS` closes lay below `ema_13`.
    """

    close: float
    ema_13: float
    ema_169: float
    shortfall: float

    @property
    def is_known(self) -> bool:
        """Return whether both averages have enough history."""
        return bool(np.isfinite(self.ema_13) and np.isfinite(self.ema_169))

    @property
    def is_above(self) -> bool:
        """Return whether the close is above both averages, by more than rounding."""
        return self.is_known and self.close - max(self.ema_13, self.ema_169) > TOLERANCE * abs(self.close)

    @property
    def is_below(self) -> bool:
        """Return whether the close is below either average, by more than rounding."""
        return self.is_known and max(self.ema_13, self.ema_169) - self.close > TOLERANCE * abs(self.close)


def standing(close: Floats, ema_13: Floats, ema_169: Floats) -> Standing | None:
    """Return where the last of some complete bars stands; None if there is none."""
    if not len(close):
        return None
    below = np.maximum(0.0, ema_13[-FIT_BARS:] - close[-FIT_BARS:])  # NaN where the average is missing
    shortfall = float(np.sum(below)) if len(below) == FIT_BARS else float("nan")
    return Standing(float(close[-1]), float(ema_13[-1]), float(ema_169[-1]), shortfall)


def best_timeframe(standings: Mapping[str, Standing]) -> str | None:
    """Return the timeframe whose closes fell least below `ema_13`, of equal ones the shortest.

    None if no timeframe has `FIT_BARS` bars with the average.
    """
    known = [name for name in TIMEFRAMES if name in standings and np.isfinite(standings[name].shortfall)]
    return min(known, key=lambda name: standings[name].shortfall) if known else None


def stance(standings: Mapping[str, Standing]) -> Stance | None:
    """Return whether to buy, hold or sell; None where daily bars have too little history.

    Sell where the close is below either average on one of `SELLS_ON`; buy where it is above both on
    every one of `BUYS_ON` that has enough history.
    """
    daily = standings.get("1d")
    if daily is None or not daily.is_known:
        return None
    if any(standings[name].is_below for name in SELLS_ON if name in standings):
        return "sell"
    known = [standings[name] for name in BUYS_ON if name in standings and standings[name].is_known]
    return "buy" if all(each.is_above for each in known) else "hold"
