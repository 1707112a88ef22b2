"""The prefix test: a feature of a bar must be the same when nothing after that bar is there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lake.errors import BadConfiguration
from lake.market.bars import Actions, Bars, Floats
from lake.training.columns import Feature
from lake.training.rows import History, features_at

CUTS = 3
"""At how many bars, evenly spaced, each symbol's history is cut."""

TOLERANCE = 1e-9
_SCALE = {"price": 1.0, "volume": 1.0, "percent": 100.0, "ratio": 1.0, "flag": 1.0}


def largest_difference(history: History, features: Sequence[Feature]) -> float:
    """Return by how much the features at the cuts differ from those of prefixes, relative to their scale.

    Raises:
        BadConfiguration: a feature differs by more than rounding: its column looks ahead.
    """
    bars = history.complete
    if len(bars) < CUTS + 1:
        return 0.0
    cuts = np.linspace(0, len(bars), CUTS + 2).astype(int)[1:-1]
    return max(_difference_at(int(cut), bars, history.actions, features, history.matrix) for cut in cuts)


def _difference_at(
    cut: int, complete: Bars, actions: Actions, features: Sequence[Feature], whole: Floats
) -> float:
    prefix = complete[: cut + 1]
    alone = features_at(prefix, actions, features)[-1]
    scale = np.maximum(np.abs(alone), [_SCALE[feature.scale] for feature in features])
    gap = np.abs(alone - whole[cut]) / scale
    gap[np.isnan(alone) & np.isnan(whole[cut])] = 0.0
    worst = int(np.argmax(np.nan_to_num(gap, nan=np.inf)))
    if not gap[worst] <= TOLERANCE:
        raise BadConfiguration(
            f"expected column {features[worst].column} to use no bar after its own, found "
            f"{complete.symbol} at {complete.ts[cut]}Z: {alone[worst]:.12g} by itself, "
            f"{whole[cut, worst]:.12g} with later bars there; correct the column"
        )
    return float(gap[worst])
