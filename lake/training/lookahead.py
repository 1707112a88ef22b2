"""The prefix test: a feature of a bar must be the same when nothing after that bar is there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lake.errors import BadConfiguration
from lake.features.indicator import TOLERANCE, Scale
from lake.lookahead.equal import gaps
from lake.lookahead.finding import Finding, moment, number
from lake.market.bars import Bars
from lake.training.columns import Feature
from lake.training.rows import History, features_at

CUTS = 3
"""At how many bars, evenly spaced, each symbol's history is cut."""


def largest_difference(history: History, features: Sequence[Feature]) -> float:
    """Return by how much the features of prefixes differ from the whole's, relative to their scale.

    Raises:
        BadConfiguration: a feature differs by more than rounding: its column looks ahead.
    """
    bars = history.complete
    if len(bars) < CUTS + 1:
        return 0.0
    cuts = np.linspace(0, len(bars), CUTS + 2).astype(int)[1:-1]
    return max(_difference_at(int(cut), history, features) for cut in cuts)


def _difference_at(cut: int, history: History, features: Sequence[Feature]) -> float:
    prefix = history.complete[: cut + 1]
    alone = features_at(prefix, history.actions, features)
    later, largest = history.matrix[: cut + 1], 0.0
    for place, feature in enumerate(features):
        gap = gaps(alone[:, place], later[:, place], _unit_of(feature.scale))
        apart = np.flatnonzero(gap > TOLERANCE)
        if len(apart):
            values = float(alone[apart[-1], place]), float(later[apart[-1], place])
            raise BadConfiguration(str(_finding(feature, prefix, int(apart[-1]), *values)))
        largest = max(largest, float(gap.max(initial=0.0)))
    return largest


def _unit_of(scale: Scale) -> float:
    """Return what features of a scale are measured against; those of prices are shares of the close."""
    return 100.0 if scale == "percent" else 1.0


def _finding(feature: Feature, prefix: Bars, row: int, alone: float, later: float) -> Finding:
    return Finding(
        kind="column",
        name=feature.column,
        symbol=prefix.symbol,
        timeframe=prefix.timeframe,
        cut=prefix.closes_at[-1],
        where=f"feature {feature.name} at {moment(prefix.ts[row])}",
        alone=number(alone),
        later=number(later),
    )
