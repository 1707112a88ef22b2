"""Print the speed of all columns as a ratio to TA-Lib's bare calls of the same functions.

Both have the arrays of random walks ready and run on one thread. The bare side calls each TA-Lib
function that the columns rest on once, and keeps nothing. The kernel computes every stored column:
those, the ones that TA-Lib does not have (supertrend, deviations by two passes, strict patterns,
shapes, returns), and the sparse integers. Freed memory is kept for both, as `lake enrich` does. Runs
alternate; the ratio is that of their medians, above 1 means faster than bare.

    .venv/bin/python -m benchmarks.features [--symbols 20] [--bars 5000] [--rounds 15]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import talib

from lake.features.columns.moving_averages import EMA_PERIODS, SMA_PERIODS
from lake.features.columns.talib_patterns import PATTERNS, PENETRATION
from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.market.bars import Bars
from lake.memory import keep_freed_memory

TARGET = 0.7


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for option, default in (("symbols", 20), ("bars", 5_000), ("rounds", 15)):
        parser.add_argument(f"--{option}", type=int, default=default)
    asked = parser.parse_args()
    keep_freed_memory()
    market = [walk(number, asked.bars) for number in range(asked.symbols)]
    indicators = [name for name in REGISTRY.names if not REGISTRY.indicator(name).is_sparse]
    patterns = [f"cdl_{name.lower()}" for name in PATTERNS]
    sides: dict[str, Callable[[Bars], Any]] = {
        "TA-Lib: all": lambda bars: (bare_indicators(bars), bare_patterns(bars)),
        "columns: all": compute,
        "TA-Lib: patterns": bare_patterns,
        "columns: patterns": lambda bars: compute(bars, patterns),
        "TA-Lib: indicators": bare_indicators,
        "columns: indicators": lambda bars: compute(bars, indicators),
    }
    seconds = measured(market, sides, asked.rounds)
    report(seconds, asked.symbols * asked.bars)


def bare_patterns(bars: Bars) -> None:
    """Call all candle patterns."""
    for name in PATTERNS:
        options = {"penetration": PENETRATION[name]} if name in PENETRATION else {}
        getattr(talib, f"CDL{name}")(bars.open, bars.high, bars.low, bars.close, **options)


def bare_indicators(bars: Bars) -> None:
    """Call every other TA-Lib function that a stored column is made of, or that computes it whole."""
    high, low, close, volume = bars.high, bars.low, bars.close, bars.volume
    for period in SMA_PERIODS:
        talib.SMA(close, period)
    for period in EMA_PERIODS:
        talib.EMA(close, period)
    for period in (7, 14):
        talib.RSI(close, period)
    for period in (10, 14):
        talib.ATR(high, low, close, period)
    talib.MACD(close, 12, 26, 9)
    talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    talib.WILLR(high, low, close, 14)
    talib.MFI(high, low, close, volume, 14)
    talib.CCI(high, low, close, 20)
    talib.ROC(close, 10)
    talib.TRANGE(high, low, close)
    talib.SMA(talib.ATR(high, low, close, 14), 30)
    talib.BBANDS(close, 20)
    talib.STDDEV(close, 20)
    talib.STDDEV(close, 20)  # of returns
    talib.MAX(high, 20), talib.MIN(low, 20)
    talib.ADX(high, low, close, 14), talib.PLUS_DI(high, low, close, 14), talib.MINUS_DI(high, low, close, 14)
    talib.AROON(high, low, 25)
    talib.OBV(close, volume), talib.AD(high, low, close, volume), talib.SMA(volume, 20)


def bare_listed(bars: Bars) -> None:
    """Call the TA-Lib functions of the thirty indicators of benchmarks.enrich."""
    high, low, close, volume = bars.high, bars.low, bars.close, bars.volume
    for period in SMA_PERIODS:
        talib.SMA(close, period)
    for period in EMA_PERIODS:
        talib.EMA(close, period)
    for period in (7, 14):
        talib.RSI(close, period)
    talib.MACD(close, 12, 26, 9)
    talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    talib.ROC(close, 10), talib.MFI(high, low, close, volume, 14), talib.WILLR(high, low, close, 14)
    talib.CCI(high, low, close, 20), talib.ATR(high, low, close, 14), talib.TRANGE(high, low, close)
    talib.STDDEV(close, 20), talib.BBANDS(close, 20), talib.AROON(high, low, 25)
    talib.ADX(high, low, close, 14), talib.PLUS_DI(high, low, close, 14), talib.MINUS_DI(high, low, close, 14)
    talib.OBV(close, volume), talib.AD(high, low, close, volume), talib.SMA(volume, 20)


def walk(seed: int, count: int) -> Bars:
    """Return a random walk as daily bars."""
    chance = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(chance.normal(0.0003, 0.015, count))), 2)
    open_ = np.round(close * np.exp(chance.normal(0, 0.008, count)), 2)
    session = np.arange("1990-01-01", count, dtype="datetime64[D]")
    return Bars(
        symbol=f"S{seed}",
        timeframe="1d",
        ts=session.astype("datetime64[us]"),
        closes_at=session.astype("datetime64[us]"),
        session=session,
        open=open_,
        high=np.maximum(open_, close) + np.round(np.abs(chance.normal(0, 0.5, count)), 2),
        low=np.minimum(open_, close) - np.round(np.abs(chance.normal(0, 0.5, count)), 2),
        close=close,
        volume=chance.integers(1_000, 1_000_000, count).astype(float),
        is_complete=np.ones(count, dtype=bool),
        is_suspect=np.zeros(count, dtype=bool),
    )


def measured(
    market: list[Bars], sides: dict[str, Callable[[Bars], Any]], rounds: int
) -> dict[str, list[float]]:
    """Return the seconds of each side over the market, the order turning from round to round."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():  # compilation and caches are not what is measured
        side(market[0])
    for number in range(rounds):
        for name in list(sides) if number % 2 else list(reversed(sides)):
            began = time.perf_counter()
            for bars in market:
                sides[name](bars)
            seconds[name].append(time.perf_counter() - began)
    return seconds


def report(seconds: dict[str, list[float]], bars: int) -> None:
    """Print the medians and their ratios."""
    for name, taken in seconds.items():
        print(f"{name:20} {1e9 * median(taken) / bars:8,.0f} ns a bar")
    for what in ("patterns", "indicators", "all"):
        ratio = median(seconds[f"TA-Lib: {what}"]) / median(seconds[f"columns: {what}"])
        print(f"{what}: {ratio:.2f} of bare TA-Lib" + (f" (target {TARGET})" if what == "all" else ""))


if __name__ == "__main__":
    main()
