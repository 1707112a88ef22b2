"""The kernel: registered columns of one symbol's bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lake.features.indicator import Column, Indicator
from lake.features.registry import REGISTRY, Registry
from lake.market.bars import PRICES, VALUES, Bars, Bools, Floats
from lake.market.timeframes import kind_of

DECIMALS = 8
"""Of prices as traded: so many come into the lake."""


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
    stretches = _stretches(bars.later_splits, complete)
    order = registry.plan(wanted)
    asked, needed = set(wanted), {name for indicator in order for name in indicator.columns_needed}
    for indicator in order:
        if indicator.is_intraday and not is_intraday:
            made = _missing(indicator, known)
        elif indicator.compares_exactly and stretches:
            made = _in_own_terms(indicator, known, stretches)
        else:
            made = indicator.apply(*[known[name] for name in indicator.inputs])
        for name, column in zip(indicator.columns, made, strict=True):
            if name in needed:
                known[name] = column
            if name in asked:
                yield name, _scattered(column, complete) if has_gaps else column


class _Stretch(NamedTuple):
    """Bars between two splits, from `start` to `end`.

    `ratio` is that of the split before it, `later` the product of all after it.
    """

    start: int
    end: int
    ratio: float
    later: float


def _stretches(later_splits: Floats | None, complete: Bools) -> list[_Stretch]:
    """Return the stretches between splits; none if no bar was before one."""
    if later_splits is None or (later_splits == 1.0).all():
        return []
    factor = later_splits[complete]
    starts = np.flatnonzero(np.diff(factor, prepend=np.nan) != 0.0)
    later = factor[starts].tolist()
    # Each split's ratio as it was written: the product of all later ones has its own rounding.
    ratios = [1.0, *(float(f"{before / after:.12g}") for before, after in pairwise(later))]
    ends = [*starts[1:].tolist(), len(factor)]
    return [_Stretch(*each) for each in zip(starts.tolist(), ends, ratios, later, strict=True)]


def _in_own_terms(
    indicator: Indicator, known: dict[str, Column], stretches: list[_Stretch]
) -> Sequence[Column]:
    """Return columns, each bar's from prices in the terms of its own time.

    At each split what was before is divided by its ratio, as a stream does.
    """
    later = np.repeat([each.later for each in stretches], [each.end - each.start for each in stretches])
    # As traded, a price has so many decimals at most: what dividing it has rounded comes back.
    prices = {name: np.round(known[name] * later, DECIMALS) for name in indicator.inputs if name in PRICES}
    parts = []
    for stretch in stretches:
        first, inputs = max(stretch.start - indicator.settle_bars, 0), list[Column]()
        for name in indicator.inputs:
            if name in prices:
                prices[name][: stretch.start] /= stretch.ratio
                inputs.append(prices[name][first : stretch.end])
            else:
                inputs.append(known[name][first : stretch.end] * stretch.later)
        parts.append([output[stretch.start - first :] for output in indicator.apply(*inputs)])
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def _missing(indicator: Indicator, known: dict[str, Column]) -> Sequence[Column]:
    return [np.full(len(known["close"]), np.nan) for _ in indicator.columns]


def _contiguous(values: Floats) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _scattered(values: Column, rows: Bools) -> Column:
    missing = np.nan if values.dtype.kind == "f" else 0
    column = np.full(len(rows), missing, dtype=values.dtype)
    column[rows] = values
    return column
