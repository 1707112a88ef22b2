"""Momentum, volatility, trend and volume columns against values that others published.

TA-Lib computes most of them here, so its tables show that names, inputs and parameters are wired
right; Stock.Indicators and StockCharts are independent of it. The `vwap` of both runs over the whole
history or a number of bars, ours over a session, so what is compared is as of one session.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lake.features.columns.momentum import place_in_range, roc, stochastic
from lake.features.columns.trend import directional
from lake.features.columns.volatility import atr, channel, donchian, stdev
from lake.features.columns.volume import adl, obv, vwap
from lake.features.kernel import compute
from lake.market.bars import Floats
from tests.golden.test_features_golden import TALIB_INPUTS, same, skender_bars, talib_case
from tests.market import table_of_csv

TALIB = {
    "bb_upper": "bb_upper_20_2",
    "bb_middle": "bb_mid",
    "bb_lower": "bb_lower",
    "adx_14": "adx_14",
    "plus_di_14": "plus_di_14",
    "minus_di_14": "minus_di_14",
    "stoch_k": "stoch_k_14_3_3",
    "stoch_d": "stoch_d",
    "cci_20": "cci_20",
    "mfi_14": "mfi_14",
    "willr_14": "willr_14",
    "obv": "obv",
    "adl": "ad",
    "roc_10": "roc_10",
    "aroon_up_25": "aroon_up_25",
    "aroon_down_25": "aroon_down_25",
    "stdev_20": "stddev_20",
}
"""Our column, and its name in the TA-Lib tables."""


@pytest.mark.parametrize("name", TALIB_INPUTS)
def test_columns_equal_the_talib_tables(shared_data: Path, name: str) -> None:
    """To 1e-9; TA-Lib's own deviation, from E[x²] - E[x]², has no more digits."""
    bars, golden = talib_case(shared_data, name)
    columns = compute(bars, list(TALIB))
    for ours, theirs in TALIB.items():
        expected = golden[theirs]
        if ours.startswith("stoch"):  # TA-Lib starts both where the slower one does
            columns[ours][:17] = np.nan
        same(columns[ours], expected, rtol=1e-9, atol=1e-9, least=1000)


@pytest.mark.parametrize("name", TALIB_INPUTS)
def test_the_donchian_channel_is_the_talib_extremes_one_bar_later(shared_data: Path, name: str) -> None:
    bars, golden = talib_case(shared_data, name)
    upper, lower = donchian(bars.high, bars.low, period=20)
    same(upper[1:], golden["max_20"][:-1], rtol=0, least=1000)
    same(lower[1:], golden["min_20"][:-1], rtol=0, least=1000)


@pytest.mark.parametrize(
    ("file", "pairs"),
    [
        ("bb", {"bb_upper": "upperBand", "bb_middle": "sma", "bb_lower": "lowerBand"}),
        ("stoch", {"stoch_k": "k", "stoch_d": "d"}),
        ("donchian", {"donchian_upper": "upperBand", "donchian_lower": "lowerBand"}),
        (
            "keltner",
            {"keltner_upper": "upperBand", "keltner_middle": "centerline", "keltner_lower": "lowerBand"},
        ),
        ("supertrend", {"supertrend": "superTrend"}),
    ],
)
def test_columns_equal_stock_indicators(shared_data: Path, file: str, pairs: dict[str, str]) -> None:
    skender = shared_data / "golden" / "skender"
    columns, golden = compute(skender_bars(skender)), table_of_csv(skender / f"{file}.csv")
    for ours, theirs in pairs.items():
        same(columns[ours], golden[theirs], rtol=1e-11, atol=1e-9, least=470)


def test_aroon_equals_stock_indicators_where_the_extreme_is_met_once(shared_data: Path) -> None:
    """Of two equal extremes they take the older, TA-Lib the newer."""
    skender = shared_data / "golden" / "skender"
    bars, golden = skender_bars(skender), table_of_csv(skender / "aroon.csv")
    columns = compute(bars, ["aroon_up_25", "aroon_down_25"])
    for ours, theirs, prices, best in (
        ("aroon_up_25", "aroonUp", bars.high, np.max),
        ("aroon_down_25", "aroonDown", bars.low, np.min),
    ):
        windows = np.lib.stride_tricks.sliding_window_view(prices, 26)
        once = (windows == best(windows, axis=1, keepdims=True)).sum(axis=1) == 1
        same(columns[ours][25:][once], golden[theirs][25:][once], rtol=1e-12, least=470)


def test_adx_equals_stock_indicators_once_both_have_settled(shared_data: Path) -> None:
    """They smooth from the mean of 14 moves, TA-Lib from that of 13, of which 1e-9 is left in the end."""
    skender = shared_data / "golden" / "skender"
    columns, golden = compute(skender_bars(skender)), table_of_csv(skender / "adx.csv")
    for ours, theirs in {"plus_di_14": "pdi", "minus_di_14": "mdi", "adx_14": "adx"}.items():
        same(columns[ours][250:], golden[theirs][250:], rtol=0, atol=1e-6, least=250)
        same(columns[ours][350:], golden[theirs][350:], rtol=0, atol=1e-9, least=150)


@pytest.mark.parametrize("column", ["obv", "adl"])
def test_running_sums_equal_stock_indicators_up_to_where_they_start(shared_data: Path, column: str) -> None:
    skender = shared_data / "golden" / "skender"
    ours, theirs = compute(skender_bars(skender), [column])[column], table_of_csv(skender / f"{column}.csv")
    constant = ours[0] - theirs[column][0]
    same(ours - constant, theirs[column], rtol=1e-12, atol=1e-3, least=500)


def test_functions_with_other_parameters_equal_stock_indicators(shared_data: Path) -> None:
    skender = shared_data / "golden" / "skender"
    close = skender_bars(skender).close
    same(roc(close, 14), table_of_csv(skender / "roc.csv")["roc"], rtol=1e-11, atol=1e-11, least=480)
    same(stdev(close, 14), table_of_csv(skender / "stdev.csv")["stdDev"], rtol=1e-11, atol=1e-12, least=480)


def test_vwap_equals_stock_indicators_where_all_is_one_session(shared_data: Path) -> None:
    skender = shared_data / "golden" / "skender"
    bars = skender_bars(skender)
    day = np.full(len(bars), bars.session[0])
    columns = compute(replace(bars, timeframe="5m", session=day), ["vwap"])
    same(columns["vwap"], table_of_csv(skender / "vwap.csv")["vwap"], rtol=1e-12, least=500)


def stockcharts(shared_data: Path, name: str) -> dict[str, Floats]:
    return table_of_csv(shared_data / "golden" / "stockcharts" / f"cs-{name}.csv")


def test_bollinger_bands_equal_stockcharts(shared_data: Path) -> None:
    table = stockcharts(shared_data, "bbands")
    close = table["Close"]
    spread = stdev(close, 20)
    middle = np.array([np.nan] * 19 + [close[row - 19 : row + 1].mean() for row in range(19, len(close))])
    upper, _, lower = channel(middle, spread, 2.0)
    same(spread, table["20-day Standard Deviation"], rtol=0, atol=5.1e-7, least=20)
    same(upper, table["HighBand"], rtol=0, atol=2e-6, least=20)
    same(lower, table["LowBand"], rtol=0, atol=2e-6, least=20)


def test_the_donchian_channel_equals_stockcharts_one_bar_later(shared_data: Path) -> None:
    """Theirs has this bar in it, ours has not."""
    table = stockcharts(shared_data, "dc")
    upper, lower = donchian(table["high"], table["low"], period=20)
    same(upper[1:], table["upper_band"][:-1], rtol=0, atol=5.1e-3, least=9)
    same(lower[1:], table["lower_band"][:-1], rtol=0, atol=5.1e-3, least=9)


def test_the_width_of_the_keltner_channel_equals_stockcharts(shared_data: Path) -> None:
    """Their middle line starts from nothing, so what is compared is the distance from it."""
    table = stockcharts(shared_data, "kc")
    high, low, close = (np.concatenate((table[n][:1], table[n])) for n in ("High", "Low", "Close"))
    width = atr(high, low, close, period=10)[1:]
    upper, _, lower = channel(table["middle_band"], width, 2.0)
    known = np.isfinite(table["upper_band"])
    same(upper[known], table["upper_band"][known], rtol=1e-9, least=10)
    same(lower[known], table["lower_band"][known], rtol=1e-9, least=10)


def test_the_stochastic_and_williams_r_equal_stockcharts(shared_data: Path) -> None:
    table = stockcharts(shared_data, "soo")
    known = np.isfinite(table["Close"])
    # Their closes begin where the window is full; before that any close inside the bar will do.
    close = np.where(known, table["Close"], table["Low"])
    place = place_in_range(table["High"], table["Low"], close, period=14)
    same(place, table["SO"], rtol=0, atol=5e-6, least=17)
    same(stochastic(place, smoothing=3)[0][16:], table["SO_SIG"][16:], rtol=0, atol=5e-6, least=14)
    same(place - 100, stockcharts(shared_data, "percentr")["Williams_%R"], rtol=0, atol=5e-6, least=17)


def test_the_rate_of_change_equals_stockcharts(shared_data: Path) -> None:
    table = stockcharts(shared_data, "roc")
    same(roc(table["Close"], 12), table["ROC"], rtol=0, atol=5.1e-9, least=8)


def test_running_sums_and_vwap_equal_stockcharts(shared_data: Path) -> None:
    """Their on-balance volume starts at the second bar, and their `vwap` forgets after 14 bars."""
    table = stockcharts(shared_data, "accum")
    ours = adl(table["High"], table["Low"], table["Close"], table["Volume"])
    same(ours, table["ADLine"], rtol=0, atol=2e-3, least=25)
    table = stockcharts(shared_data, "obv")
    ours = obv(table["Close"], np.nan_to_num(table["Volume"]))
    same(ours[1:], table["OBV"][1:], rtol=0, least=25)
    table = stockcharts(shared_data, "vwap")
    high, low, close, volume, theirs = (
        table[name][:14] for name in ("High", "Low", "Close", "Volume", "vwap")
    )
    same(vwap(high, low, close, volume, np.zeros(14)), theirs, rtol=1e-9, least=14)


def test_a_market_without_range_has_no_direction() -> None:
    flat = np.full(60, 12.5)
    lines = directional(flat, flat, flat, atr(flat, flat, flat, 14), np.ones(60), period=14)
    assert [set(line[27:]) for line in lines] == [{0.0}] * 3
