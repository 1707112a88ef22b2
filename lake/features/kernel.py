"""The kernel: registered columns of one symbol's bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lake.features.indicator import Column, Indicator
from lake.features.own_terms import OwnTerms
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
    found = dict(compute_each(bars, wanted, registry))
    return {name: found[name] for name in wanted}


def compute_each(
    bars: Bars, names: Sequence[str] | None = None, registry: Registry = REGISTRY
) -> Iterator[tuple[str, Column]]:
    """Yield names and columns as `compute` has them, one after the other as they come to be known.

    Columns of the same names and kind of bars come in the same order. A caller that puts each away before
    it takes the next gives its memory to the next, still in the processor's cache.
    """
    wanted = registry.names if names is None else tuple(names)
    complete = bars.is_complete
    is_intraday, has_gaps = kind_of(bars.timeframe) == "intraday", not complete.all()
    known: dict[str, Column] = {name: _contiguous(getattr(bars, name)[complete]) for name in VALUES}
    known["session"] = bars.session[complete].astype("datetime64[D]").astype(np.float64)
    terms = OwnTerms.of(None if bars.later_splits is None else bars.later_splits[complete])
    known["split"] = terms.splits(len(known["close"]))
    order = registry.plan(wanted)
    asked, needed = set(wanted), {name for indicator in order for name in indicator.columns_needed}
    for indicator in order:
        if indicator.is_intraday and not is_intraday:
            made = _missing(indicator, known)
        elif indicator.compares_exactly and terms.stretches:
            made = terms.columns(indicator, known)
        else:
            made = indicator.apply(*[known[name] for name in indicator.inputs])
        for name, column in zip(indicator.columns, made, strict=True):
            if name in needed:
                known[name] = column
            if name in asked:
                yield name, _scattered(column, complete) if has_gaps else column


def _missing(indicator: Indicator, known: dict[str, Column]) -> Sequence[Column]:
    return [np.full(len(known["close"]), np.nan) for _ in indicator.columns]


def _contiguous(values: Floats) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _scattered(values: Column, rows: Bools) -> Column:
    missing = np.nan if values.dtype.kind == "f" else 0
    column = np.full(len(rows), missing, dtype=values.dtype)
    column[rows] = values
    return column
