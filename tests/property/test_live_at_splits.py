"""At splits a stream has the values of a whole history, also where prices tie and after a restart.

Walks on a coarse grid tie often: of equal highs, equal moves or equal closes a column must not be decided
by what dividing has rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lake.features.indicator import TOLERANCE
from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.live.columns import Columns
from lake.live.rings import Rings, Segments
from lake.market.adjust import adjusted, split_factor
from lake.market.bars import VALUES, Actions, Bars, Floats
from lake.market.candles import Candle
from tests.builders import actions, daily_bars, sessions

BARS = 500
DAYS = sessions("2015-01-02", BARS)
RATIOS = (2.0, 3.0, 1.5, 7.0, 0.1, 0.125, 1 / 3, 20.0, 1.1)
NAMES = REGISTRY.readable


@dataclass(frozen=True)
class Walk:
    """Bars as traded, and the rows and ratios of their two splits."""

    bars: Bars
    splits: dict[int, float]

    @property
    def events(self) -> Actions:
        return actions(splits=[(DAYS[row], ratio) for row, ratio in self.splits.items()])


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    splits = {draw(st.integers(60, 300)): draw(st.sampled_from(RATIOS))}
    splits[max(splits) + draw(st.integers(1, 190))] = draw(st.sampled_from(RATIOS))
    return walk(draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from((0.05, 0.25))), splits)


def walk(seed: int, tick: float, splits: dict[int, float]) -> Walk:
    random = np.random.default_rng(seed)
    close = 400 + tick * np.cumsum(random.integers(-3, 4, BARS))
    open_ = close + tick * random.integers(-4, 5, BARS)
    high = np.maximum(open_, close) + tick * random.integers(0, 4, BARS)
    low = np.minimum(open_, close) - tick * random.integers(0, 4, BARS)
    factor = np.ones(BARS)
    for row, ratio in splits.items():
        factor[row:] *= ratio
    volume = np.round(random.integers(1, 100, BARS) * 100.0 * factor) + 1
    values = {name: np.round(each / factor, 8).tolist() for name, each in (("open", open_), ("high", high))}
    values |= {"low": np.round(low / factor, 8).tolist(), "volume": volume.tolist()}
    return Walk(daily_bars(DAYS, np.round(close / factor, 8).tolist(), **values), splits)


class Stream:
    """All columns of one series, bar by bar, each value in the terms of its bar."""

    def __init__(self) -> None:
        self.columns = Columns(NAMES, "1d")
        self.rings = Rings(self.columns.filled, self.columns.keep, BARS)
        self.rings.add(1)
        self.columns.add(1)
        self.values: list[list[float]] = []

    def remember(self, bars: Bars, events: Actions) -> None:
        """Start with a history as the lake has it."""
        split_bars = adjusted(bars, events, "split")
        known = compute(split_bars, self.columns.filled)
        self.rings.fill(0, split_bars, known, split_factor(bars.session, events.up_to(bars.session[-1])))
        self.columns.remember(0, split_bars, known)

    def take(self, bars: Bars, row: int, ratio: float) -> None:
        if ratio != 1.0:
            self.rings.rescale(0, ratio)
            self.columns.rescale(self.rings, 0, ratio)
        self.rings.begin(0)
        self.columns.begin(0)
        zero = np.zeros(1, dtype=np.int64)
        candle = Candle("1d", 0, *(float(getattr(bars, name)[row]) for name in VALUES))
        places = self.rings.append(zero, zero + row, zero, [candle])
        self.columns.fill_in(self.rings, Segments.of(zero, places, self.columns.sees), zero, places)
        self.values.append([float(self.rings.floats[name][0, places[0]]) for name in NAMES])


def streamed(case: Walk, start: int) -> dict[str, Floats]:
    """Return the columns of the bars from `start` on, streamed after what the lake had by then."""
    stream = Stream()
    if start:
        stream.remember(case.bars[:start], case.events)
    for row in range(start, BARS):
        stream.take(case.bars, row, case.splits.get(row, 1.0))
    return dict(zip(NAMES, np.array(stream.values).T, strict=True))


def assert_streams_alike(case: Walk, start: int) -> None:
    split_bars = adjusted(case.bars, case.events, "split")
    later = split_factor(case.bars.session, case.events)
    whole, found = compute(split_bars, NAMES), streamed(case, start)
    units = {"price": split_bars.close, "volume": split_bars.volume, "percent": np.full(BARS, 100.0)}
    for name in NAMES:
        indicator = REGISTRY.indicator(name)
        exponent = {"price": -1, "volume": 1}.get(indicator.scale, 0)
        expected, own = whole[name][start:].astype(float), found[name] * later[start:] ** exponent
        unit = units.get(indicator.scale, np.ones(BARS))[start:]
        if indicator.is_cumulative:  # what a sum has lost by rounding is a share of the largest it has been
            unit = np.maximum(unit, np.maximum.accumulate(np.abs(whole[name]))[start:])
        np.testing.assert_array_equal(np.isnan(own), np.isnan(expected), err_msg=name)
        off = np.abs(own - expected) > TOLERANCE * np.fmax(np.abs(expected), unit)
        assert not off.any(), (name, start + int(off.argmax()), expected[off][0], own[off][0])


@settings(max_examples=12, deadline=None)
@given(walks(), st.integers(1, 30))
@example(walk(3, 0.05, {200: 7.0, 390: 1.1}), 1)
@example(walk(51, 0.25, {200: 0.1, 210: 0.125}), 4)
def test_a_stream_has_the_values_of_the_whole_history(case: Walk, after: int) -> None:
    first = min(case.splits)
    assert_streams_alike(case, 0)
    assert_streams_alike(case, first)
    assert_streams_alike(case, first + after)
