"""Every column on a few bars, its value worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log, sqrt

import numpy as np
import pytest

from lake.features.columns.momentum import money_flow, place_in_range, stochastic
from lake.features.columns.trend import aroon, golden_cross, supertrend
from lake.features.columns.volatility import atr, channel, donchian, mean, stdev
from lake.features.kernel import compute
from lake.market.bars import Bars, Floats
from tests.builders import daily_bars, sessions


def bars_of(closes: Sequence[float], **columns: Sequence[float]) -> Bars:
    return daily_bars(sessions("2012-01-03", len(closes)), closes, **columns)


def last(column: str, bars: Bars) -> float:
    return float(compute(bars, [column])[column][-1])


STEPS = [float(value) for value in range(100, 160)]
"""Closes that rise by 1 a bar, from 100 to 159; open, high and low are the close."""

UP = bars_of(STEPS, high=[close + 1 for close in STEPS], low=[close - 1 for close in STEPS])
"""The same with a high 1 above and a low 1 below each close."""


@pytest.mark.parametrize(
    ("column", "value"),
    [
        # A mean of n bars lags a steady rise by (n - 1) / 2, an exponential average that starts with it too.
        *((f"sma_{n}", 159 - (n - 1) / 2) for n in (7, 20, 50)),
        *((f"ema_{n}", 159 - (n - 1) / 2) for n in (7, 8, 12, 13, 20, 26)),
        ("rsi_7", 100),
        ("rsi_14", 100),
        ("macd", (25 - 11) / 2),
        ("macd_signal", (25 - 11) / 2),
        ("macd_hist", 0),
        ("return_pct", 100 / 158),
        ("log_return", log(159 / 158)),
        # The range of 14 bars reaches from 159 - 13 - 1 = 145 to 160; the close stands at 159.
        ("place_in_range_14", 100 * 14 / 15),
        ("stoch_k", 100 * 14 / 15),
        ("stoch_d", 100 * 14 / 15),
        ("willr_14", -100 / 15),
        ("roc_10", 100 * (159 / 149 - 1)),
        ("mfi_14", 100),  # every typical price rose
        # Typical price 159, mean of twenty 149.5, mean distance from it 5.
        ("cci_20", 9.5 / (0.015 * 5)),
        ("true_range", 2),
        ("atr_14", 2),
        ("atr_10", 2),
        ("atr_20", 2),
        ("atr_14_mean_30", 2),
        ("stdev_20", sqrt((20**2 - 1) / 12)),
        ("bb_middle", 149.5),
        ("bb_upper", 149.5 + 2 * sqrt((20**2 - 1) / 12)),
        ("bb_lower", 149.5 - 2 * sqrt((20**2 - 1) / 12)),
        # An average of n bars lags a steady rise by (n - 1) / 2 = 9.5.
        ("keltner_middle", 149.5),
        ("keltner_upper", 149.5 + 2 * 2),
        ("keltner_lower", 149.5 - 2 * 2),
        ("donchian_upper", 159),  # the high of the bar before, 158 + 1
        ("donchian_lower", 138),  # the low of 20 bars before, 139 - 1
        ("donchian_upper_55", 159),
        ("donchian_lower_55", 103),
        ("plus_di_14", 50),  # each bar rises by 1 in a true range of 2
        ("minus_di_14", 0),
        ("adx_14", 100),
        ("aroon_up_25", 100),
        ("aroon_down_25", 0),
        ("supertrend", 153),  # 3 * 2 below the middle of the bar, 159
        ("obv", 60 * 1000),  # TA-Lib counts the first bar's volume
        ("adl", 0),  # every close in the middle of its bar
        ("volume_sma_20", 1000),
        ("volume_ratio", 1),
        ("close_lag_1", 158),
        ("close_lag_2", 157),
        ("close_lag_3", 156),
        ("rising_3", 1),
        ("falling_3", 0),
        ("gap_pct", 100 * (159 / 158 - 1)),
        ("macd_golden_cross", 0),
    ],
)
def test_a_steady_rise(column: str, value: float) -> None:
    assert last(column, UP) == pytest.approx(value, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("sma_200", 499 - 199 / 2),
        ("ema_144", 499 - 143 / 2),
        ("ema_169", 499 - 168 / 2),
        ("ema_169_upper", 1.05 * (499 - 168 / 2)),
        ("ema_169_lower", 0.95 * (499 - 168 / 2)),
    ],
)
def test_a_long_rise(column: str, value: float) -> None:
    assert last(column, bars_of([float(value) for value in range(100, 500)])) == pytest.approx(
        value, rel=1e-12
    )


@pytest.mark.parametrize(("column", "rises", "falls"), [("rsi_7", 4, 3), ("rsi_14", 7, 7)])
def test_strength_is_the_share_of_rises(column: str, rises: int, falls: int) -> None:
    """Rises of 2 and falls of 1 in turn: their first means weigh `rises` * 2 against `falls`."""
    closes = [100.0]
    for step in range(rises + falls):
        closes.append(closes[-1] + (-1 if step % 2 else 2))
    assert last(column, bars_of(closes)) == pytest.approx(100 * 2 * rises / (2 * rises + falls), rel=1e-12)


@pytest.mark.parametrize(
    ("column", "closes", "opens", "value"),
    [
        # A red body of 2, then a green one from below it to above it.
        ("cdl_engulfing", [11.0, 10.0, 13.0], [11.0, 12.0, 9.0], 100),
        ("cdl_engulfing", [11.0, 12.0, 9.0], [11.0, 10.0, 13.0], -100),
        ("cdl_engulfing", [11.0, 10.0, 11.5], [11.0, 12.0, 9.0], 0),
        # Bars with a body of 2 and no shadows, then one that closes where it opened.
        ("cdl_doji", [*[12.0] * 12, 12.0], [*[10.0] * 12, 12.0], 100),
        ("cdl_doji", [12.0] * 13, [10.0] * 13, 0),
        ("cdl_marubozu", [*[11.0] * 12, 14.0], [*[10.0] * 12, 10.0], 100),
    ],
)
def test_candle_patterns(column: str, closes: list[float], opens: list[float], value: int) -> None:
    high, low = np.maximum(opens, closes).tolist(), np.minimum(opens, closes).tolist()
    assert last(column, bars_of(closes, open=opens, high=high, low=low)) == value


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((name, 50) for name in ("rsi_7", "rsi_14", "mfi_14", "stoch_k", "stoch_d", "place_in_range_14")),
        ("willr_14", -50),
        *(
            (name, 0)
            for name in (
                "cci_20", "adx_14", "plus_di_14", "minus_di_14", "stdev_20", "volatility_20", "atr_14",
                "true_range", "roc_10", "body", "body_ratio", "upper_shadow_ratio", "lower_shadow_ratio",
                "rising_3", "falling_3", "macd_golden_cross", "hammer", "bullish_382", "gap_pct", "adl",
            )
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("close", [0.01, 10.1, 123456.78])
def test_a_flat_market(column: str, value: float, close: float) -> None:
    assert last(column, bars_of([close] * 400)) == value


@pytest.mark.parametrize("column", ["rsi_14", "mfi_14", "stoch_k"])
def test_a_market_gone_flat_ends_at_50(column: str) -> None:
    """Wilder's averages take 300 bars until what moved is below 1e-9 of the close."""
    assert last(column, bars_of([100.0, 103.0, 101.0, *[102.0] * 400])) == 50


def test_the_stochastic_averages_its_place_in_the_range() -> None:
    high, low, close = (
        np.array(values, dtype=float) for values in ([4, 5, 6, 6], [0, 1, 2, 2], [1, 5, 2, 4])
    )
    place = place_in_range(high, low, close, period=2)
    assert place[1:].tolist() == pytest.approx([100 * 5 / 5, 100 * 1 / 5, 100 * 2 / 4])
    slow, signal = stochastic(place, smoothing=2)
    assert slow[2:].tolist() == pytest.approx([60, 35])
    assert signal[3] == pytest.approx(47.5)


def test_the_money_flow_index_is_the_share_of_flow_on_rises() -> None:
    """Flows of 20 * 10 up, 15 * 20 down, nothing on an equal price, 30 * 10 up."""
    price = np.array([10.0, 20, 15, 15, 30])
    volume = np.array([99.0, 10, 20, 70, 10])
    index = money_flow(price, price, price, volume, period=4)
    assert index[4] == pytest.approx(100 * 500 / 800)


def test_deviation_mean_channel_and_extremes() -> None:
    values = np.array([2.0, 4, 4, 4, 5, 5, 7, 9])
    assert stdev(values, 8)[7] == 2
    assert np.isnan(stdev(values, 8)[:7]).all()
    assert mean(values, 4)[3:].tolist() == [3.5, 4.25, 4.5, 5.25, 6.5]
    upper, middle, lower = channel(np.array([10.0]), np.array([2.0]), times=1.5)
    assert (upper[0], middle[0], lower[0]) == (13, 10, 7)
    highest, lowest = donchian(values, values, period=3)
    assert highest[3:].tolist() == [4, 4, 5, 5, 7]
    assert lowest[3:].tolist() == [2, 4, 4, 4, 5]


def test_the_deviation_of_values_that_hardly_move_keeps_its_digits() -> None:
    """E[x²] - E[x]² would lose all of them, and more after a history of larger values."""
    values = np.concatenate((np.full(50, 9e5), 100 + np.tile([1e-7, -1e-7], 20)))
    assert stdev(values, 20)[-1] == pytest.approx(1e-7, rel=1e-6)


def test_aroon_counts_the_bars_since_the_extremes() -> None:
    up, down = aroon(np.array([1.0, 9, 3, 4, 5]), np.array([1.0, 0.5, 2, 2, 2]), period=4)
    assert (up[4], down[4]) == (25, 25)


def test_supertrend_trails_below_a_rise_turns_at_a_fall_and_trails_above() -> None:
    """Bars of a range of 2 around the close, with an average range of 1 and 3 times that to the line."""
    close = np.array([10.0, 12, 11, 8, 7, 11])
    line = supertrend(close + 1, close - 1, close, np.ones(6), times=3.0)
    # 10 - 3, 12 - 3, 9 stays, 8 is below 9: 8 + 3; 7 + 3; 11 is above 10: 11 - 3.
    assert line.tolist() == [7, 9, 9, 11, 10, 8]


def test_supertrend_turns_where_the_line_is_reached_to_1e_9() -> None:
    def after(close: float) -> float:
        closes = np.array([10.0, close])
        return float(supertrend(np.array([11.0, 8]), np.array([9.0, 6]), closes, np.ones(2), times=3.0)[1])

    assert after(7.0) == after(7.0 + 1e-9) == 10  # at the line of 7, so above: 7 + 3
    assert after(7.0 + 1e-7) == 7


def test_macd_golden_cross_needs_macd_above_its_signal_and_below_0() -> None:
    line, signal = np.array([-1.0, -2, 1, -1, np.nan, 0]), np.array([-2.0, -1, 0, -1, np.nan, -1])
    close = np.full(6, 100.0)
    np.testing.assert_array_equal(golden_cross(line, signal, close), [1, 0, 0, 0, np.nan, 0])


def test_running_sums_add_and_take_off_volume() -> None:
    """Places in the bar: the high (1), the low (-1), the middle (0), no range (0)."""
    bars = bars_of([10, 8, 9, 9], high=[10, 12, 10, 9], low=[8, 8, 8, 9], volume=[100, 50, 70, 30])
    columns = compute(bars, ["obv", "adl"])
    assert columns["obv"].tolist() == [100, 50, 120, 120]
    assert columns["adl"].tolist() == [100, 50, 50, 50]


def test_volume_against_its_average_is_missing_where_nothing_was_traded() -> None:
    volume = [*[10.0] * 19, 210.0, *[0.0] * 20]
    columns = compute(bars_of([5.0] * 40, volume=volume), ["volume_sma_20", "volume_ratio"])
    assert columns["volume_sma_20"][19] == 20
    assert columns["volume_ratio"][19] == 10.5
    assert columns["volume_ratio"][38] == 0
    assert np.isnan(columns["volume_ratio"][39])


def test_vwap_starts_anew_with_each_session_and_only_intraday() -> None:
    bars = bars_of([10, 12, 20, 30], high=[10, 12, 20, 30], low=[10, 12, 20, 30], volume=[100, 300, 0, 50])
    day = np.array(["2012-01-03", "2012-01-03", "2012-01-04", "2012-01-04"], dtype="datetime64[D]")
    columns = compute(replace(bars, timeframe="5m", session=day), ["vwap"])
    np.testing.assert_allclose(columns["vwap"], [10, 11.5, np.nan, 30])
    assert np.isnan(compute(bars, ["vwap"])["vwap"]).all()


def shape(open_: float, high: float, low: float, close: float) -> dict[str, float]:
    bars = bars_of([close], open=[open_], high=[high], low=[low])
    names = ["color", "body", "body_ratio", "upper_shadow_ratio", "lower_shadow_ratio"]
    return {name: float(values[0]) for name, values in compute(bars, names).items()}


def test_shapes_are_shares_of_the_range() -> None:
    green, red = shape(12, 20, 10, 16), shape(16, 20, 10, 12)
    assert green == {
        "color": 1, "body": 4, "body_ratio": 0.4, "upper_shadow_ratio": 0.4, "lower_shadow_ratio": 0.2,
    }  # fmt: skip
    assert red == green | {"color": -1}


def test_a_close_outside_high_and_low_widens_the_range() -> None:
    assert shape(12, 15, 10, 20) == {
        "color": 1, "body": 8, "body_ratio": 0.8, "upper_shadow_ratio": 0, "lower_shadow_ratio": 0.2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("closes", "rising", "falling"),
    [
        ([1, 2, 3, 4], 1, 0),
        ([4, 3, 2, 1], 0, 1),
        ([1, 2, 2, 3], 0, 0),
        ([2, 1, 2, 3], 0, 0),
        ([1, 2, 3, 3 + 1e-10], 0, 0),
    ],
)
def test_three_in_a_row(closes: list[float], rising: int, falling: int) -> None:
    columns = compute(bars_of(closes), ["rising_3", "falling_3"])
    assert (columns["rising_3"][3], columns["falling_3"][3]) == (rising, falling)
    assert np.isnan(columns["rising_3"][:3]).all()


def test_lags_and_gaps() -> None:
    bars = bars_of([10, 20, 30, 40], open=[10, 11, 18, 30])
    columns = compute(bars, ["close_lag_1", "close_lag_2", "close_lag_3", "gap_pct"])
    assert [columns[f"close_lag_{lag}"][3] for lag in (1, 2, 3)] == [30, 20, 10]
    assert columns["gap_pct"][1:].tolist() == pytest.approx([10, -10, 0])


def test_volatility_is_the_deviation_of_log_returns() -> None:
    """Ten returns of ln 1.1 and ten of -ln 1.1 deviate by ln 1.1 from their mean, 0."""
    closes = [100 * 1.1 ** (bar % 2) for bar in range(21)]
    assert last("volatility_20", bars_of(closes)) == pytest.approx(log(1.1), rel=1e-12)


def test_true_range_and_its_average() -> None:
    high, low, close = (np.array(v, dtype=float) for v in ([5, 9, 8, 9], [4, 7, 6, 5], [5, 8, 6, 7]))
    ranges: Floats = atr(high, low, close, period=2)
    # True ranges 4 (from the close of 5), 2, 4; mean of the first two 3, then (3 + 4) / 2.
    assert ranges[2:].tolist() == [3, 3.5]
