"""Columns of a prefix against those of the whole: equal on every bar, and silent on an open one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lake.features.indicator import TOLERANCE, has_value
from lake.features.registry import Registry
from lake.lookahead.aligned import Aligned
from lake.lookahead.equal import gaps, unit_of
from lake.lookahead.finding import MISSING, Finding, moment, number
from lake.market.aggregate import Indices


def column_findings(pair: Aligned, registry: Registry) -> tuple[list[Finding], float]:
    """Return the columns that look ahead, and the largest difference among the others.

    A column that reads one of these is not named beside it.
    """
    found: dict[str, Finding] = {}
    largest = 0.0
    for name in pair.part.columns:
        finding, gap = _finding(name, pair, registry)
        if finding is not None:
            found[name] = finding
        else:
            largest = max(largest, gap)
    roots = [found[name] for name in found if not _reads(registry, registry.by_column[name].inputs, found)]
    return roots, largest


def read_by(registry: Registry, columns: Iterable[str]) -> set[str]:
    """Return columns with all that they are computed from."""
    return {name for each in registry.in_order_of_need(columns) for name in each.columns}


def _reads(registry: Registry, inputs: Iterable[str], found: dict[str, Finding]) -> bool:
    known = [name for name in inputs if name in registry.by_column]
    return any(name in found or _reads(registry, registry.by_column[name].inputs, found) for name in known)


def _finding(name: str, pair: Aligned, registry: Registry) -> tuple[Finding | None, float]:
    scale, bars = registry.indicator(name).scale, pair.bars
    alone = pair.part.columns[name]
    later = pair.whole.columns[name][pair.rows] * pair.in_terms_of_part(scale)
    unit = unit_of(scale, bars)
    if registry.indicator(name).is_cumulative:  # a sum keeps the rounding of its largest part
        unit = np.maximum.accumulate(unit)
    gap = gaps(alone[pair.done], later, unit)
    apart = np.flatnonzero(gap > TOLERANCE)
    if len(apart):
        row = apart[-1]
        texts = number(float(alone[pair.done][row])), number(float(later[row]))
        return _named(name, pair, f"its value at {moment(bars.ts[row])}", *texts), 0.0
    if len(spoken := _on_open_bars(name, pair)):
        row = spoken[-1]
        where = f"its value on the open bar of {moment(pair.part.bars.ts[row])}"
        return _named(name, pair, where, number(float(alone[row])), MISSING), 0.0
    return None, float(gap.max(initial=0.0))


def _on_open_bars(name: str, pair: Aligned) -> Indices:
    return np.flatnonzero(has_value(pair.part.columns[name]) & ~pair.done)


def _named(name: str, pair: Aligned, where: str, alone: str, later: str) -> Finding:
    bars = pair.part.bars
    return Finding("column", name, bars.symbol, bars.timeframe, pair.until, where, alone, later)
