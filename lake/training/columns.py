"""Which registered columns become features, and how they are made comparable across symbols.

A column measured in price becomes `<column>_to_close` = column / close - 1; percentages, ratios
and flags stay as they are. Columns measured in volume stay out: shares of different companies do
not compare. So do intraday columns of daily and longer bars, which have none. Of a sparse column,
such as a candle pattern, 0 is a value: nothing is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lake.features.indicator import Column, Scale
from lake.features.registry import REGISTRY, Registry
from lake.market.bars import Floats
from lake.market.timeframes import kind_of

SUFFIX = "_to_close"


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a training set and the registered column it comes from."""

    name: str
    column: str
    scale: Scale


def features_of(registry: Registry = REGISTRY, timeframe: str = "1d") -> tuple[Feature, ...]:
    """Return the features of a registry for bars of `timeframe`, in the order of its columns."""
    is_intraday = kind_of(timeframe) == "intraday"
    known = [name for name in registry.names if is_intraday >= registry.indicator(name).is_intraday]
    scales = {column: registry.indicator(column).scale for column in known}
    return tuple(
        Feature(column + SUFFIX if scale == "price" else column, column, scale)
        for column, scale in scales.items()
        if scale != "volume"
    )


def feature_matrix(columns: Mapping[str, Column], close: Floats, features: tuple[Feature, ...]) -> Floats:
    """Return the features shaped (bars, features), from computed columns on the basis of `close`."""
    matrix = np.empty((len(close), len(features)))
    for place, feature in enumerate(features):
        values = columns[feature.column]
        matrix[:, place] = values / close - 1.0 if feature.scale == "price" else values
    return matrix


def columns_hash(features: tuple[Feature, ...], registry: Registry = REGISTRY) -> str:
    """Return 12 hex digits that change when a feature's inputs, parameters or formula's name do."""
    declared = {
        feature.name: {
            "inputs": indicator.inputs,
            "parameters": dict(indicator.parameters),
            "scale": indicator.scale,
            "source": indicator.source,
        }
        for feature in features
        for indicator in (registry.indicator(feature.column),)
    }
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:12]
