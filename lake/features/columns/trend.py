"""Trend: where the price stands against its long average."""

from __future__ import annotations

from lake.features.columns.moving_averages import EMA_PERIODS
from lake.features.indicator import Indicator, settle_smoothing
from lake.market.bars import Floats

BAND_OF = max(EMA_PERIODS)
BAND_PCT = 5.0


def band(average: Floats, pct: float) -> tuple[Floats, Floats]:
    """Return the values `pct` percent above and below an average."""
    return average * (1.0 + pct / 100.0), average * (1.0 - pct / 100.0)


INDICATORS = (
    Indicator(
        columns=(f"ema_{BAND_OF}_upper", f"ema_{BAND_OF}_lower"),
        function=band,
        inputs=(f"ema_{BAND_OF}",),
        parameters={"pct": BAND_PCT},
        scale="price",
        settle_bars=settle_smoothing(2 / (BAND_OF + 1), BAND_OF),
        description=f"Band of {BAND_PCT:g}% above and below ema_{BAND_OF}",
        source=f"ema_{BAND_OF} times 1 + {BAND_PCT:g}% and 1 - {BAND_PCT:g}%",
    ),
)
