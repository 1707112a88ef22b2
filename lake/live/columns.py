"""Columns of the newest bars of many series: moved on bar by bar where there is a twin, or over rings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lake.features.columns import (
    momentum,
    moving_averages,
    shape,
    strict_patterns,
    talib_patterns,
    volatility,
    volume,
)
from lake.features.indicator import TOLERANCE, Indicator
from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.live import steps
from lake.live.rings import Rings, Segments
from lake.market.bars import VALUES, Bars, Bools, Floats
from lake.rules.memory import Numbers

PRICE, VOLUME, PLAIN = -1, 1, 0
"""To which power of a split's ratio what a state remembers is multiplied."""


class _Step(NamedTuple):
    """A compiled step, the size of its state by parameters, and what it takes besides.

    `powers` says what a split does to the state's places after the count; the last one holds for the rest.
    """

    function: Callable[..., None]
    size: Callable[..., int]
    besides: tuple[float, ...] = ()
    powers: tuple[int, ...] = (PRICE,)


_TWINS: Mapping[Any, _Step] = {
    moving_averages.sma: _Step(steps.sma, lambda period: 1 + period),
    moving_averages.ema: _Step(steps.ema, lambda period: 2),
    momentum.rsi: _Step(steps.rsi, lambda period: 4, (momentum.FLAT, TOLERANCE)),
    momentum.macd: _Step(steps.macd, lambda **periods: 4),
    volatility.atr: _Step(steps.atr, lambda period: 3),
    volume.obv: _Step(steps.obv, lambda: 3, powers=(PRICE, VOLUME)),
    volume.adl: _Step(steps.adl, lambda: 2, powers=(VOLUME,)),
}
"""The step of a column by the column's function."""

_WINDOWED = (shape.__name__, strict_patterns.__name__)
"""Modules whose functions see a few bars and nothing else, so that many series can stand in one array."""

WIDEST = 5
"""Bars that such a function may see."""


@dataclass(slots=True)
class _Twin:
    """One indicator's step and the state of every series, with that of the session's start."""

    indicator: Indicator
    step: _Step
    state: Floats
    before: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.state.copy()

    def move_on(self, series: Numbers, inputs: Sequence[Floats]) -> Floats:
        out = np.empty((len(series), len(self.indicator.columns)))
        parameters = self.indicator.parameters.values()
        self.step.function(series, *inputs, self.state, *parameters, *self.step.besides, out)
        return out

    def rescale(self, series: int, ratio: float) -> None:
        powers = np.full(self.state.shape[1] - 1, self.step.powers[-1])
        powers[: len(self.step.powers)] = self.step.powers
        self.state[series, 1:] *= ratio ** powers.astype(np.float64)


class Columns:
    """Some columns of one timeframe, for every series of its rings."""

    def __init__(self, names: Sequence[str], timeframe: str) -> None:
        self.names, self.timeframe = tuple(names), timeframe
        self._twins: list[_Twin] = []
        self._windowed: list[Indicator] = []
        self._patterns: list[Indicator] = []
        self._rest: list[str] = []
        for indicator in {each.columns: each for each in map(REGISTRY.indicator, names)}.values():
            if indicator.function in _TWINS and not indicator.columns_needed:
                step = _TWINS[indicator.function]
                state = np.zeros((0, step.size(**indicator.parameters)))
                self._twins.append(_Twin(indicator, step, state))
            elif indicator.function.__module__ in _WINDOWED and _is_small(indicator):
                self._windowed.append(indicator)
            else:
                self._rest += [name for name in names if name in indicator.columns]
                if indicator in talib_patterns.INDICATORS:
                    self._patterns.append(indicator)
        self._settles = REGISTRY.settle_bars(self._rest)

    @property
    def keep(self) -> int:
        """Return how many bars before a session's first its values may rest on, states aside."""
        return max(self._settles, self.sees)

    @property
    def sees(self) -> int:
        """Return how many bars before one its windowed columns see."""
        return max((indicator.settle_bars - 1 for indicator in self._windowed), default=0)

    def add(self, series: int) -> None:
        """Make room for more series, which have not begun."""
        for twin in self._twins:
            more = np.zeros((series, twin.state.shape[1]))
            twin.state, twin.before = (np.concatenate((each, more)) for each in (twin.state, twin.before))

    def begin(self, series: int) -> None:
        """Keep what to go back to: the state before a session."""
        for twin in self._twins:
            twin.before[series] = twin.state[series]

    def rewind(self, series: int) -> None:
        """Go back to the state before the session."""
        for twin in self._twins:
            twin.state[series] = twin.before[series]

    def rescale(self, series: int, ratio: float) -> None:
        """Bring a series to the terms after a split."""
        for twin in self._twins:
            twin.rescale(series, ratio)

    def sums_before(self, series: int) -> dict[str, float]:
        """Return the values that cumulative columns of a series had before its session."""
        return {
            name: float(twin.before[series, -1])
            for twin in self._twins
            if twin.indicator.is_cumulative
            for name in twin.indicator.columns
        }

    def remember(self, series: int, bars: Bars, columns: Mapping[str, Floats] | None = None) -> None:
        """Move a series on by the bars of a whole history; its sums end where those of `columns` do."""
        of = np.full(len(bars), series, dtype=np.int64)
        for twin in self._twins:
            twin.move_on(of, [np.ascontiguousarray(getattr(bars, name)) for name in twin.indicator.inputs])
            if columns is not None and twin.indicator.is_cumulative:
                twin.state[series, -1] = columns[twin.indicator.columns[0]][-1]

    def fill_in(self, rings: Rings, segments: Segments, series: Numbers, places: Numbers) -> None:
        """Set the columns of new bars, given by series and place, and in segments with what stands before."""
        for twin in self._twins:
            inputs = [rings.floats[name][series, places] for name in twin.indicator.inputs]
            self._set(rings, twin.indicator, twin.move_on(series, inputs).T, series, places)
        if self._windowed:
            values = {name: segments.of_ring(rings.floats[name]) for name in VALUES}
            for indicator in self._windowed:
                outputs = indicator.apply(*(values[name] for name in indicator.inputs))
                self._set(rings, indicator, [each[segments.is_new] for each in outputs], series, places)
        is_old = self._fill_in_patterns(rings, series, places)
        for number in dict.fromkeys(series.tolist()) if self._rest else ():
            own = series == number
            patterns = {name for each in self._patterns for name in each.columns} if is_old[own][0] else ()
            if wanted := [name for name in self._rest if name not in patterns]:
                self._fill_in_over_ring(rings, number, places[own].tolist(), wanted)

    def _fill_in_over_ring(self, rings: Rings, number: int, places: list[int], names: list[str]) -> None:
        """Set columns of one series bar by bar, each from as many bars as it needs to settle.

        Never from more: running sums depend on where they start, and a value must not depend on
        how many bars came in one message.
        """
        bars = rings.bars("", self.timeframe, number)
        for place in places:
            first = max(place + 1 - self._settles, 0)
            for name, values in compute(bars[first : place + 1], names).items():
                rings.floats[name][number, place] = values[-1]

    def _fill_in_patterns(self, rings: Rings, series: Numbers, places: Numbers) -> Bools:
        """Set TA-Lib's patterns of all series at once that have all the bars a pattern may see.

        Returns which of the new bars that was done for.
        """
        before = talib_patterns.LONGEST_LOOK_BACK - 1
        if not self._patterns:
            return np.zeros(len(series), dtype=np.bool_)
        edges = np.flatnonzero(np.concatenate(([True], series[1:] != series[:-1], [True])))
        is_old: Bools = np.repeat(places[edges[:-1]] >= before, np.diff(edges))
        if is_old.any():
            segments = Segments.of(series[is_old], places[is_old], before)
            values = {name: segments.of_ring(rings.floats[name]) for name in VALUES}
            for indicator in self._patterns:
                outputs = indicator.apply(*(values[name] for name in indicator.inputs))
                new = [each[segments.is_new] for each in outputs]
                self._set(rings, indicator, new, series[is_old], places[is_old])
        return is_old

    def _set(
        self, rings: Rings, indicator: Indicator, outputs: Any, series: Numbers, places: Numbers
    ) -> None:
        for name, values in zip(indicator.columns, outputs, strict=True):
            if name in rings.floats:
                rings.floats[name][series, places] = values


def _is_small(indicator: Indicator) -> bool:
    return (
        indicator.settle_bars <= WIDEST
        and not indicator.columns_needed
        and set(indicator.inputs) <= set(VALUES)
    )
