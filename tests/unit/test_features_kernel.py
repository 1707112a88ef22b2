"""Columns of small series: warm-up, short and flat series, incomplete bars, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from lake.errors import BadInput
from lake.features.columns.talib_patterns import PATTERNS
from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.market.bars import Bars
from tests.builders import daily_bars, sessions

FIRST_KNOWN = {
    "sma_7": 6, "sma_20": 19, "sma_50": 49, "sma_200": 199,
    "ema_7": 6, "ema_8": 7, "ema_12": 11, "ema_13": 12, "ema_20": 19, "ema_26": 25,
    "ema_144": 143, "ema_169": 168,
    "rsi_7": 7, "rsi_14": 14, "macd": 33, "macd_signal": 33, "macd_hist": 33, "true_range": 1, "atr_14": 14,
    "ema_169_upper": 168, "ema_169_lower": 168, "color": 0, "return_pct": 1, "log_return": 1,
    "place_in_range_14": 13, "stoch_k": 15, "stoch_d": 17, "roc_10": 10, "mfi_14": 14, "willr_14": 13,
    "cci_20": 19, "atr_10": 10, "atr_20": 20, "atr_14_mean_30": 43, "stdev_20": 19,
    "bb_upper": 19, "bb_middle": 19, "bb_lower": 19,
    "keltner_upper": 19, "keltner_middle": 19, "keltner_lower": 19,
    "donchian_upper": 20, "donchian_lower": 20, "donchian_upper_55": 55, "donchian_lower_55": 55,
    "adx_14": 27, "plus_di_14": 14, "minus_di_14": 14, "aroon_up_25": 25, "aroon_down_25": 25,
    "supertrend": 10, "macd_golden_cross": 33, "obv": 0, "adl": 0, "volume_sma_20": 19, "volume_ratio": 19,
    "vwap": 10**9, "body": 0, "body_ratio": 0, "upper_shadow_ratio": 0, "lower_shadow_ratio": 0,
    "close_lag_1": 1, "close_lag_2": 2, "close_lag_3": 3, "gap_pct": 1, "rising_3": 3, "falling_3": 3,
    "volatility_20": 20, "hammer": 0, "inverted_hammer": 0, "bullish_382": 0, "bearish_382": 0,
    "bullish_engulfing": 0, "bearish_engulfing": 0,
    **{f"cdl_{name.lower()}": 0 for name in PATTERNS},
}  # fmt: skip
"""The row on which each column has its first value; daily bars never have an intraday one."""


def walk(count: int) -> Bars:
    """Return bars that wander, with ranges around them."""
    steps = np.random.default_rng(7).normal(0, 1, (4, count))
    closes = 100 * np.exp(np.cumsum(steps[0]) / 100)
    opens = closes * np.exp(steps[1] / 200)
    return daily_bars(
        sessions("2000-01-03", count),
        closes,
        open=opens,
        high=np.maximum(opens, closes) + np.abs(steps[2]),
        low=np.minimum(opens, closes) - np.abs(steps[3]),
    )


def test_every_registered_column_is_listed_here() -> None:
    assert set(FIRST_KNOWN) == set(REGISTRY.readable)


@pytest.mark.parametrize("column", FIRST_KNOWN)
def test_a_column_is_missing_while_it_warms_up_and_never_after(column: str) -> None:
    values = compute(walk(260), [column])[column]
    np.testing.assert_array_equal(np.isnan(values), np.arange(260) < FIRST_KNOWN[column])


@pytest.mark.parametrize("count", [0, 1, 2, 6, 13, 33, 168])
def test_a_series_shorter_than_the_warm_up_has_nothing_and_fails_nowhere(count: int) -> None:
    columns = compute(walk(260)[:count], REGISTRY.readable)
    assert list(compute(walk(260)[:count])) == list(REGISTRY.names)
    for name, values in columns.items():
        assert values.shape == (count,)
        np.testing.assert_array_equal(np.isnan(values), np.arange(count) < FIRST_KNOWN[name])


@pytest.mark.parametrize("close", [0.01, 5.0, 123456.78])
def test_a_flat_series_has_rsi_50_and_no_range(close: float) -> None:
    columns = compute(daily_bars(sessions("2000-01-03", 250), [close] * 250))
    for name, value in {"rsi_7": 50, "rsi_14": 50, "true_range": 0, "atr_14": 0, "return_pct": 0}.items():
        assert set(columns[name][FIRST_KNOWN[name] :]) == {value}, name
    assert set(columns["color"]) == {0}
    np.testing.assert_allclose(columns["ema_169"][168:], close, rtol=1e-12)


def test_rsi_of_a_series_that_only_falls_is_0_and_of_one_that_only_rises_100() -> None:
    days = sessions("2000-01-03", 60)
    falling, rising = (compute(daily_bars(days, closes)) for closes in (range(100, 40, -1), range(40, 100)))
    assert set(falling["rsi_14"][14:]) == {0}
    assert set(rising["rsi_14"][14:]) == {100}


def test_rsi_of_a_series_that_went_flat_keeps_its_strength_until_the_last_move_has_faded() -> None:
    """One move of 1 in 14 bars averages 1/14, and each flat bar takes a 14th off it.

    1/14 * (13/14)^k is below 1e-9 of 101 from k = 182 on, and the 14 bars average first at row 14.
    """
    rows = compute(daily_bars(sessions("2000-01-03", 300), [100, *[101] * 299]))["rsi_14"]
    assert set(rows[14 : 14 + 182]) == {100}
    assert set(rows[14 + 182 :]) == {50}


def test_hand_made_values() -> None:
    """Two bars: 10 to 12, then 12 to 11 with a range of 9 to 12.5."""
    bars = daily_bars(
        sessions("2000-01-03", 3), [12, 11, 11], open=[10, 12, 11], high=[12, 12.5, 11], low=[10, 9, 11]
    )
    columns = compute(bars)
    assert columns["color"].tolist() == [1, -1, 0]
    assert columns["true_range"].tolist()[1:] == [3.5, 0]
    assert columns["return_pct"][1] == pytest.approx(-100 / 12, rel=1e-13)
    assert columns["log_return"][1] == pytest.approx(np.log(11 / 12), rel=1e-13)


def test_the_true_range_reaches_to_the_previous_close() -> None:
    bars = daily_bars(sessions("2000-01-03", 2), [100, 111], high=[100, 112], low=[100, 110])
    assert compute(bars, ["true_range"])["true_range"][1] == 12


def test_an_incomplete_bar_has_no_columns_and_changes_none() -> None:
    bars = walk(260)
    open_rows = np.isin(np.arange(260), (100, 259))
    columns = compute(replace(bars, is_complete=~open_rows))
    without = compute(bars[~open_rows])
    for name, values in columns.items():
        is_sparse = REGISTRY.indicator(name).is_sparse
        assert not values[open_rows].any() if is_sparse else np.isnan(values[open_rows]).all()
        np.testing.assert_array_equal(values[~open_rows], without[name])


def test_a_column_asked_for_alone_equals_the_one_asked_for_with_all() -> None:
    bars = walk(260)
    together = compute(bars)
    for name in REGISTRY.names:
        alone = compute(bars, [name])
        assert list(alone) == [name]
        np.testing.assert_array_equal(alone[name], together[name])


def test_computing_does_not_touch_the_bars() -> None:
    bars = walk(260)
    before = bars.close.copy()
    columns = compute(bars)
    columns["sma_7"][:] = 0
    np.testing.assert_array_equal(bars.close, before)


def test_an_unknown_column_is_refused_with_its_neighbours() -> None:
    with pytest.raises(BadInput, match=r"found 'ema_9', near .*ema_\d.*`lake columns`"):
        compute(walk(20), ["ema_9"])
