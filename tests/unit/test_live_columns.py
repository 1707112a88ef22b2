"""Columns that move on bar by bar equal those of a whole history, from the first bar on."""

from __future__ import annotations

import numpy as np
import pytest

from lake.features.columns import momentum, talib_patterns, trend, volatility
from lake.features.indicator import TOLERANCE
from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.live import twins
from lake.live.columns import Columns
from lake.live.rings import Rings, Segments
from lake.market.bars import VALUES, Bars, Floats
from lake.market.candles import Candle, bars_of_candles

PATTERNS = tuple(name for each in talib_patterns.INDICATORS for name in each.columns)
NAMES = tuple(name for name in REGISTRY.readable if name not in PATTERNS)
RESTING = ("stoch_k", "bb_upper", "supertrend")
"""Some that are computed over the ring where their steps are taken away."""


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
    rings = Rings(columns.filled, 0, max(map(len, histories)))
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


def assert_as_of_each_history(names: tuple[str, ...], lengths: tuple[int, ...], seed: int) -> None:
    random = np.random.default_rng(seed)
    histories = [*(history(random, count) for count in lengths), history(random, 50, is_flat=True)]
    for bars, found in zip(histories, moved_on(histories, names, random), strict=True):
        whole = compute(bars, names)
        for name in names:
            expected = whole[name].astype(float)
            np.testing.assert_array_equal(np.isnan(found[name]), np.isnan(expected), err_msg=name)
            scale = REGISTRY.indicator(name).scale
            unit = {"price": bars.close, "percent": 100.0, "volume": bars.volume}.get(scale, 1.0)
            limit = TOLERANCE / 100 * np.fmax(np.abs(expected), unit)
            assert not (np.abs(found[name] - expected) > limit).any(), name


@pytest.mark.parametrize("names", [NAMES, PATTERNS])
@pytest.mark.parametrize("seed", range(3))
def test_columns_of_many_series_equal_those_of_each_history(names: tuple[str, ...], seed: int) -> None:
    assert_as_of_each_history(names, (1, 2, 7, 34, 260), seed)


def test_a_column_without_a_step_is_computed_over_the_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    for function in (momentum.stochastic, trend.supertrend):
        monkeypatch.delitem(twins.STEPS, function)  # type: ignore[arg-type]
    monkeypatch.delitem(twins.WIDTHS, volatility.channel)  # type: ignore[arg-type]
    assert Columns(RESTING, "5m")._rest == list(RESTING)
    assert_as_of_each_history(RESTING, (3, 40, 90), 1)


def test_every_built_in_column_has_a_twin_or_a_window() -> None:
    assert Columns(REGISTRY.readable, "5m")._rest == []
    assert Columns(("vwap", "sma_7"), "1d")._rest == ["vwap"]  # which is missing there


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
    rings = Rings(columns.filled, 0, 1)
    rings.add(2)
    columns.rescale(rings, 0, 4.0)
    columns.remember(1, rescaled)
    for twin in columns._twins:
        np.testing.assert_allclose(twin.state[0], twin.state[1], rtol=1e-9, atol=1e-12)
