"""Bars in the terms of their own time, for columns that compare prices without a tolerance.

Divided by a later split, equal prices may differ by what rounding leaves, and the past would hang on the
future. A stream saw each price as it was traded, and what it knew from before divided once at each split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from lake.features.indicator import Column, Indicator
from lake.market.bars import PRICES, Bars, Floats

DECIMALS = 8
"""Of prices as traded: so many come into the lake."""
LONGEST_DENOMINATOR, SAME = 1_000_000, 1e-13
"""Ratios are taken for fractions such as 1/3 or 21/20, or six decimals, where they are so near to one."""


class Stretch(NamedTuple):
    """Bars between two splits, from `start` to `end`.

    `ratio` is that of the split before it, `later` the product of all after it.
    """

    start: int
    end: int
    ratio: float
    later: float


@dataclass(frozen=True, slots=True)
class OwnTerms:
    """The stretches between the splits of a history; none if no bar was before one."""

    stretches: tuple[Stretch, ...]

    @classmethod
    def of(cls, later_splits: Floats | None) -> Self:
        """Return those of bars, by the product of the splits after each."""
        if later_splits is None or (later_splits == 1.0).all():
            return cls(())
        starts = np.flatnonzero(np.diff(later_splits, prepend=np.nan) != 0.0)
        later = later_splits[starts].tolist()
        ratios = [1.0, *(_as_written(before / after) for before, after in pairwise(later))]
        ends = [*starts[1:].tolist(), len(later_splits)]
        return cls(tuple(map(Stretch, starts.tolist(), ends, ratios, later)))

    def splits(self, count: int) -> Floats:
        """Return the ratio of the split right before each of `count` bars, 1 where there is none."""
        ratios = np.ones(count)
        for each in self.stretches:
            ratios[each.start] = each.ratio
        return ratios

    def columns(self, indicator: Indicator, known: Mapping[str, Column]) -> Sequence[Column]:
        """Return an indicator's columns, each bar's from what is `known` in the terms of its own time."""
        if "split" in indicator.inputs:
            return indicator.apply(*self.inputs(indicator, known))
        parts = []
        for stretch, inputs in self.parts(indicator, known):
            old = len(inputs[0]) - (stretch.end - stretch.start)
            parts.append([output[old:] for output in indicator.apply(*inputs)])
        return [np.concatenate(columns) for columns in zip(*parts, strict=True)]

    def inputs(self, indicator: Indicator, known: Mapping[str, Column]) -> list[Column]:
        """Return an indicator's inputs, in the terms that it takes a whole history in."""
        if not (indicator.compares_exactly and self.stretches):
            return [known[name] for name in indicator.inputs]
        return [known[name] if name == "split" else self._as_traded(name, known) for name in indicator.inputs]

    def last(self, indicator: Indicator, known: Mapping[str, Column]) -> list[Column]:
        """Return an indicator's inputs that the last of its values rest on."""
        if not self.stretches:
            return [known[name] for name in indicator.inputs]
        *_, (_, inputs) = self.parts(indicator, known)
        return inputs

    def parts(
        self, indicator: Indicator, known: Mapping[str, Column]
    ) -> Iterator[tuple[Stretch, list[Column]]]:
        """Yield each stretch with an indicator's inputs in its terms, older bars first.

        At each split what was before is divided by its ratio.
        """
        own = {name: self._as_traded(name, known) for name in indicator.inputs}
        for stretch in self.stretches:
            for values in own.values():
                values[: stretch.start] /= stretch.ratio
            first = max(stretch.start - indicator.settle_bars, 0)
            yield stretch, [values[first : stretch.end] for values in own.values()]

    def in_last_terms(self, bars: Bars) -> Bars:
        """Return bars with prices as a stream has them in the last stretch, of those on the split basis."""
        if not self.stretches:
            return bars
        prices: dict[str, Any] = {name: self._as_traded(name, {name: getattr(bars, name)}) for name in PRICES}
        for stretch in self.stretches:
            for values in prices.values():
                values[: stretch.start] /= stretch.ratio
        return replace(bars, **prices)

    def _as_traded(self, name: str, known: Mapping[str, Column]) -> Column:
        lengths = [each.end - each.start for each in self.stretches]
        values: Floats = known[name] * np.repeat([each.later for each in self.stretches], lengths)
        # As traded, a price has so many decimals at most: what dividing it has rounded comes back.
        return values.round(DECIMALS) if name in PRICES else values


def _as_written(ratio: float) -> float:
    """Return the split ratio that a quotient of products stands for: these have a rounding of their own."""
    simple = float(Fraction(ratio).limit_denominator(LONGEST_DENOMINATOR))
    return simple if abs(simple - ratio) < SAME * ratio else ratio
