"""The kernel: registered columns of one symbol's bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lake.features.indicator import Column, Indicator
from lake.features.registry import REGISTRY, Registry
from lake.market.bars import VALUES, Bars, Bools, Floats
from lake.market.timeframes import kind_of


def compute(
    bars: Bars, names: Sequence[str] | None = None, registry: Registry = REGISTRY
) -> dict[str, Column]:
    """Return the named columns, or all that are stored, of bars on the split basis: one value a bar.

    Only complete bars enter. An incomplete one has NaN in every column, and the bars around it
    are computed as if it were not there, so that no signal can rest on an unfinished bucket.
    Columns are NaN while they warm up; sparse ones are integers, 0 where nothing is there.

    Raises:
        BadInput: a name is not a registered column.
    """
    wanted = registry.names if names is None else tuple(names)
    complete = bars.is_complete
    is_intraday = kind_of(bars.timeframe) == "intraday"
    known: dict[str, Column] = {name: _contiguous(getattr(bars, name)[complete]) for name in VALUES}
    known["session"] = bars.session[complete].astype("datetime64[D]").astype(np.float64)
    for indicator in registry.in_order_of_need(wanted):
        has_values = is_intraday or not indicator.is_intraday
        known |= (_outputs if has_values else _missing)(indicator, known)
    return {name: _scattered(known[name], complete) for name in wanted}


def _outputs(indicator: Indicator, known: dict[str, Column]) -> dict[str, Column]:
    outputs = indicator.apply(*(known[name] for name in indicator.inputs))
    return dict(zip(indicator.columns, outputs, strict=True))


def _missing(indicator: Indicator, known: dict[str, Column]) -> dict[str, Column]:
    return {name: np.full(len(known["close"]), np.nan) for name in indicator.columns}


def _contiguous(values: Floats) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _scattered(values: Column, rows: Bools) -> Column:
    if len(values) == len(rows):
        return values
    missing = np.nan if values.dtype.kind == "f" else 0
    column = np.full(len(rows), missing, dtype=values.dtype)
    column[rows] = values
    return column
