"""The kernel: registered columns of one symbol's bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lake.features.registry import REGISTRY, Registry
from lake.market.bars import VALUES, Bars, Bools, Floats


def compute(
    bars: Bars, names: Sequence[str] | None = None, registry: Registry = REGISTRY
) -> dict[str, Floats]:
    """Return the named columns, or all, of bars on the split basis: one value a bar.

    Only complete bars enter. An incomplete one has NaN in every column, and the bars around it
    are computed as if it were not there, so that no signal can rest on an unfinished bucket.
    Columns are NaN while they warm up.

    Raises:
        BadInput: a name is not a registered column.
    """
    wanted = registry.names if names is None else tuple(names)
    complete = bars.is_complete
    known = {name: _contiguous(getattr(bars, name)[complete]) for name in VALUES}
    for indicator in registry.in_order_of_need(wanted):
        outputs = indicator.apply(*(known[name] for name in indicator.inputs))
        known |= dict(zip(indicator.columns, outputs, strict=True))
    return {name: _scattered(known[name], complete) for name in wanted}


def _contiguous(values: Floats) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _scattered(values: Floats, rows: Bools) -> Floats:
    if len(values) == len(rows):
        return values
    column = np.full(len(rows), np.nan)
    column[rows] = values
    return column
