"""Columns against values that others published or computed, on the others' inputs and parameters.

TA-Lib is the library that computes them here, so its values show that names, inputs and parameters
are wired right; Stock.Indicators, StockCharts and pyalgotrade are independent of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from lake.features.columns.momentum import macd, rsi
from lake.features.columns.moving_averages import ema, sma
from lake.features.columns.returns import return_pct
from lake.features.columns.volatility import atr, true_range
from lake.features.kernel import compute
from lake.market.bars import Bars, Floats
from tests.market import bars_of, real_daily, table_of_csv

TALIB_INPUTS = {
    "SPY_1d": "daily/SPY.parquet",
    "XOM_1d": "daily/XOM.parquet",
    "AAPL_5m": "intraday/5m/google_AAPL_2016-04_05.parquet",
}
REGISTERED = {
    "sma_20": "sma_20",
    "sma_50": "sma_50",
    "sma_200": "sma_200",
    "ema_12": "ema_12",
    "ema_20": "ema_20",
    "ema_26": "ema_26",
    "rsi_14": "rsi_14",
    "macd": "macd_12_26_9",
    "macd_signal": "macd_signal",
    "macd_hist": "macd_hist",
    "true_range": "tr",
    "atr_14": "atr_14",
}
"""Our column, and its name in the TA-Lib tables."""

OTHER_PARAMETERS: dict[str, Callable[[Floats], Floats]] = {
    "sma_5": lambda close: sma(close, period=5),
    "sma_10": lambda close: sma(close, period=10),
    "ema_9": lambda close: ema(close, period=9),
    "ema_50": lambda close: ema(close, period=50),
    "ema_200": lambda close: ema(close, period=200),
    "rsi_2": lambda close: rsi(close, period=2),
}


def same(ours: Floats, theirs: Floats, rtol: float, atol: float = 0.0, least: int = 1) -> None:
    """Assert that two columns are missing on the same rows and agree on the others, `least` or more."""
    assert np.isfinite(theirs).sum() >= least
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def talib_case(folder: Path, name: str) -> tuple[Bars, dict[str, Floats]]:
    rows = pyarrow.parquet.read_table(folder / TALIB_INPUTS[name]).to_pydict()
    table = pyarrow.parquet.read_table(folder / "golden" / "talib" / f"{name}.parquet")
    bars = bars_of(name, "1d", rows)[-table.num_rows :]
    golden = {each: table[each].to_numpy() for each in table.column_names if each != "ts"}
    np.testing.assert_array_equal(bars.close, golden["close"])
    return bars, golden


@pytest.mark.parametrize("name", TALIB_INPUTS)
def test_registered_columns_equal_the_talib_tables(shared_data: Path, name: str) -> None:
    bars, golden = talib_case(shared_data, name)
    columns = compute(bars, list(REGISTERED))
    for ours, theirs in REGISTERED.items():
        same(columns[ours], golden[theirs], rtol=1e-12, atol=1e-12, least=1000)


@pytest.mark.parametrize("name", TALIB_INPUTS)
def test_functions_with_other_parameters_equal_the_talib_tables(shared_data: Path, name: str) -> None:
    bars, golden = talib_case(shared_data, name)
    for theirs, function in OTHER_PARAMETERS.items():
        same(function(bars.close), golden[theirs], rtol=1e-12, atol=1e-12, least=1000)


def test_the_return_is_the_one_day_rate_of_change(shared_data: Path) -> None:
    """Golden tables have ROC over 10 bars; compounding ten of our returns gives the same."""
    bars, golden = talib_case(shared_data, "SPY_1d")
    growth = 1 + return_pct(bars.close) / 100
    ten = np.array([np.prod(growth[row - 9 : row + 1]) if row > 9 else np.nan for row in range(len(bars))])
    same(100 * (ten - 1), golden["roc_10"], rtol=1e-9, atol=1e-10, least=2000)


@pytest.mark.parametrize(
    ("column", "file", "theirs"),
    [
        ("sma_20", "sma", "sma"),
        ("ema_20", "ema", "ema"),
        ("rsi_14", "rsi", "rsi"),
        ("true_range", "tr", "tr"),
        ("atr_14", "atr", "atr"),
    ],
)
def test_columns_equal_stock_indicators(shared_data: Path, column: str, file: str, theirs: str) -> None:
    skender = shared_data / "golden" / "skender"
    columns = compute(skender_bars(skender), [column])
    same(columns[column], table_of_csv(skender / f"{file}.csv")[theirs], rtol=1e-12, atol=1e-12, least=480)


def test_macd_equals_stock_indicators_once_both_have_settled(shared_data: Path) -> None:
    """Their averages start one by one, TA-Lib's at bar 26 together, so the first 250 bars are left out."""
    skender = shared_data / "golden" / "skender"
    columns, golden = compute(skender_bars(skender)), table_of_csv(skender / "macd.csv")
    for ours, theirs in {"macd": "macd", "macd_signal": "signal", "macd_hist": "histogram"}.items():
        same(columns[ours][250:], golden[theirs][250:], rtol=0, atol=1e-7, least=250)
        same(columns[ours][450:], golden[theirs][450:], rtol=0, atol=1e-12, least=50)


def skender_bars(folder: Path) -> Bars:
    rows = pyarrow.csv.read_csv(folder / "default.csv").to_pydict()
    rows["ts"] = [np.datetime64(day, "us").item() for day in rows.pop("date")]
    return bars_of("SPY", "1d", rows)


def test_rsi_equals_stockcharts(shared_data: Path) -> None:
    """Their averages of gains and losses start from nothing, as ours do after a flat lead-in."""
    table = table_of_csv(shared_data / "golden" / "stockcharts" / "cs-rsi.csv")
    close = led_in(table["Close"], 14)
    same(rsi(close, period=14)[14:][14:], table["RSI"][14:], rtol=0, atol=5e-7, least=19)


def test_atr_and_true_range_equal_stockcharts(shared_data: Path) -> None:
    """Their first true range is high - low, as ours is after a bar that closed inside it."""
    table = table_of_csv(shared_data / "golden" / "stockcharts" / "cs-atr.csv")
    high, low, close = (led_in(table[name], 1) for name in ("High", "Low", "Close"))
    same(true_range(high, low, close)[1:], table["TR"], rtol=0, atol=1e-12, least=30)
    same(atr(high, low, close, period=14)[1:][13:], table["ATR"][13:], rtol=0, atol=5e-10, least=17)


def test_macd_equals_stockcharts(shared_data: Path) -> None:
    """Their averages start at the first close, as ours do after a flat lead-in.

    Their signal line starts from a value of its own, of which 1e-10 is left after a hundred bars.
    """
    table = table_of_csv(shared_data / "golden" / "stockcharts" / "cs-macd.csv")
    line, signal, histogram = (
        each[40:] for each in macd(led_in(table["Close"], 40), fast=12, slow=26, signal=9)
    )
    same(line[1:], table["MACD_line"][1:], rtol=5e-10, atol=5e-9, least=123)
    same(signal[100:], table["MACD_signal"][100:], rtol=5e-10, atol=5e-9, least=24)
    same(histogram[100:], table["MACD_diff"][100:], rtol=5e-10, atol=5e-9, least=24)


@pytest.mark.parametrize(
    ("file", "function", "rounding"),
    [
        ("sc-sma-10.csv", lambda close: sma(close, period=10), 5.1e-3),
        ("sc-ema-10.csv", lambda close: ema(close, period=10), 5.1e-6),
        ("rsi-test.csv", lambda close: rsi(close, period=14), 5.1e-9),
    ],
)
def test_columns_equal_the_tables_of_pyalgotrade(
    shared_data: Path, file: str, function: Callable[[Floats], Floats], rounding: float
) -> None:
    table = table_of_csv(shared_data / "golden" / "pyalgotrade" / file)
    same(function(table["Input"]), table["Expected"], rtol=0, atol=rounding, least=19)


def led_in(values: Floats, bars: int) -> Floats:
    """Return values with their first one repeated before them."""
    return np.concatenate((np.full(bars, values[0]), values))


def test_the_band_is_five_percent_around_the_long_average(shared_data: Path) -> None:
    bars, _ = real_daily(shared_data, "SPY")
    columns = compute(bars)
    same(columns["ema_169_upper"] / columns["ema_169"], np.where(known(columns), 1.05, np.nan), rtol=1e-14)
    same(columns["ema_169_lower"] / columns["ema_169"], np.where(known(columns), 0.95, np.nan), rtol=1e-14)


def known(columns: dict[str, Floats]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.isfinite(columns["ema_169"])
