"""Columns that move on bar by bar equal those of a whole history, from the first bar on."""

from __future__ import annotations

import numpy as np
import pytest

from lake.features.columns import (
    momentum,
    moving_averages,
    shape,
    strict_patterns,
    talib_patterns,
    volatility,
)
from lake.features.indicator import TOLERANCE
from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.live.columns import WIDEST, Columns
from lake.live.rings import Rings, Segments
from lake.market.bars import VALUES, Bars, Floats
from lake.market.candles import Candle, bars_of_candles

TWINS = (moving_averages.sma, moving_averages.ema, momentum.rsi, momentum.macd, volatility.atr)
NAMES = tuple(
    name
    for name in REGISTRY.readable
    if (indicator := REGISTRY.indicator(name)).function in TWINS
    or (
        indicator.function.__module__ in (shape.__name__, strict_patterns.__name__)
        and indicator.settle_bars <= WIDEST
        and set(indicator.inputs) <= set(VALUES)
    )
)
PATTERNS = tuple(name for each in talib_patterns.INDICATORS for name in each.columns)
RESTING = ("stoch_k", "bb_upper", "supertrend")
"""Some that have no twin and are computed over the ring."""


def history(random: np.random.Generator, count: int, is_flat: bool = False) -> Bars:
    """Return 5 minute bars of a walk that rests now and then."""
    steps = random.normal(0, 0.003, count) * (random.random(count) > 0.2) * (not is_flat)
    close = np.round(float(random.uniform(1, 900)) * np.exp(np.cumsum(steps)), 2)
    open_ = np.append(close[:1], close[:-1])
    spread = 0.0 if is_flat else random.random(count) * 0.004
    high, low = np.maximum(open_, close) * (1 + spread), np.minimum(open_, close) * (1 - spread)
    values = np.round(np.stack((open_, high, low, close, random.integers(0, 900, count))), 2).T.tolist()
    candles = [Candle("5m", 300_000_000 * row, *each) for row, each in enumerate(values)]
    ends = [candle.ts + 300_000_000 for candle in candles]
    return bars_of_candles("AAPL", "5m", np.datetime64("1970-01-01"), ends, candles)


def candles_of(bars: Bars) -> list[Candle]:
    values = zip(*(getattr(bars, name).tolist() for name in VALUES), strict=True)
    return [Candle("5m", 300_000_000 * row, *each) for row, each in enumerate(values)]


def moved_on(
    histories: list[Bars], names: tuple[str, ...], sizes: np.random.Generator
) -> list[dict[str, Floats]]:
    """Return the columns of histories that are taken in together, a few bars of each at a time."""
    columns = Columns(names, "5m")
    rings = Rings(names, 0, max(map(len, histories)))
    rings.add(len(histories))
    columns.add(len(histories))
    waiting = [candles_of(bars) for bars in histories]
    while any(waiting):
        news = [(n, own.pop(0)) for n, own in enumerate(waiting) for _ in range(sizes.integers(0, 4)) if own]
        if not news:
            continue
        series = np.array([n for n, _ in news])
        zeros = np.zeros(len(news), dtype=np.int64)
        places = rings.append(series, zeros, zeros, [candle for _, candle in news])
        columns.fill_in(rings, Segments.of(series, places, columns.sees), series, places)
    return [
        {name: rings.floats[name][number, : len(bars)] for name in names}
        for number, bars in enumerate(histories)
    ]


@pytest.mark.parametrize("names", [NAMES, RESTING, PATTERNS])
@pytest.mark.parametrize("seed", range(3))
def test_columns_of_many_series_equal_those_of_each_history(names: tuple[str, ...], seed: int) -> None:
    random = np.random.default_rng(seed)
    lengths = (3, 40, 90) if names is RESTING else (1, 2, 7, 34, 260)
    histories = [*(history(random, count) for count in lengths), history(random, 50, is_flat=True)]
    for bars, found in zip(histories, moved_on(histories, names, random), strict=True):
        whole = compute(bars, names)
        for name in names:
            expected = whole[name].astype(float)
            np.testing.assert_array_equal(np.isnan(found[name]), np.isnan(expected), err_msg=name)
            unit = {"price": bars.close, "percent": 100.0}.get(REGISTRY.indicator(name).scale, 1.0)
            limit = TOLERANCE / 100 * np.fmax(np.abs(expected), unit)
            assert not (np.abs(found[name] - expected) > limit).any(), name


def test_what_rules_on_candles_need_most_has_a_twin() -> None:
    wanted = {"sma_7", "ema_12", "ema_26", "rsi_7", "macd", "macd_signal", "atr_14", "color"}
    assert wanted | {"hammer", "inverted_hammer", "bullish_382", "bullish_engulfing"} <= set(NAMES)


def test_a_series_that_goes_back_and_on_again_has_the_same_values() -> None:
    random = np.random.default_rng(9)
    bars = history(random, 90)
    columns = Columns(NAMES, "5m")
    columns.add(1)
    columns.remember(0, bars[:50])
    columns.begin(0)
    before = [twin.state.copy() for twin in columns._twins]
    columns.remember(0, bars[50:])
    assert any((twin.state != state).any() for twin, state in zip(columns._twins, before, strict=True))
    columns.rewind(0)
    for twin, state in zip(columns._twins, before, strict=True):
        np.testing.assert_array_equal(twin.state, state)


def test_after_a_split_the_values_are_those_of_a_history_in_its_terms() -> None:
    random = np.random.default_rng(4)
    bars = history(random, 80)
    rescaled = bars.rescaled(np.full(80, 4.0))
    columns = Columns(NAMES, "5m")
    columns.add(2)
    columns.remember(0, bars)
    columns.rescale(0, 4.0)
    columns.remember(1, rescaled)
    for twin in columns._twins:
        np.testing.assert_allclose(twin.state[0], twin.state[1], rtol=1e-9, atol=1e-12)
