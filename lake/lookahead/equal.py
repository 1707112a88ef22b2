"""When two paths' values of one column count as equal."""

from __future__ import annotations

import numpy as np

from lake.features.indicator import Column, Scale
from lake.market.bars import Bars, Floats


def gaps(alone: Column, later: Column, unit: Floats | float) -> Floats:
    """Return by how much values differ, as a share of the larger of the later one and `unit`.

    0 where both are missing, infinite where one is.
    """
    one, other = np.asarray(alone, dtype=np.float64), np.asarray(later, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.abs(one - other) / np.fmax(np.abs(other), unit)
    gap[(one == other) | (np.isnan(one) & np.isnan(other))] = 0.0
    gap[np.isnan(gap)] = np.inf
    return gap


def unit_of(scale: Scale, bars: Bars) -> Floats | float:
    """Return what the values of a scale are measured against, on each bar."""
    if scale == "price":
        return np.abs(bars.close)
    if scale == "volume":
        return np.abs(bars.volume)
    return 100.0 if scale == "percent" else 1.0
