"""Print the speed of the live market as a ratio to a plain loop of indicators over rings.

Both take the same closed one-minute candles of 500 symbols, in messages of 1,000, after a warm-up of two
sessions. The plain loop pushes each candle into a ring of 200 bars and computes EMA 12 and 26, RSI 14,
MACD, SMA 20 and ten candle patterns on it, as a stream without sessions, corrections, longer bars and
levels would. The live market does what the worker does between decoding and landing, with the rules
of conf/rules.yaml. Runs alternate; the ratio is that of their medians.

    .venv/bin/python -m benchmarks.live
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

import numpy as np
from talib import _ta_lib as talib

from lake.config import load_settings
from lake.live.market import LiveMarket
from lake.market.buckets import MINUTE
from lake.market.candles import Candle
from lake.market.sessions import calendar
from lake.rules.language import read_rules
from lake.thresholds import read_thresholds

SYMBOLS, SESSIONS, MESSAGE, ROUNDS = 500, 4, 1_000, 3
PATTERNS = ("CDLDOJI", "CDLHAMMER", "CDLENGULFING", "CDLHARAMI", "CDLMORNINGSTAR", "CDLEVENINGSTAR",
            "CDLSHOOTINGSTAR", "CDLPIERCING", "CDL3WHITESOLDIERS", "CDL3BLACKCROWS")  # fmt: skip
FIRST = np.datetime64("2019-01-02")
NOW = datetime(2019, 1, 2, tzinfo=UTC)

Feed = list[tuple[str, Candle]]


def feed() -> Feed:
    """Return sessions of random walks, minute by minute, every symbol in each."""
    days = calendar("XNYS")
    first = int(np.searchsorted(days.sessions, FIRST))
    random = np.random.default_rng(7)
    rows: Feed = []
    last = random.uniform(20, 400, SYMBOLS)
    for number in range(first, first + SESSIONS):
        opens = int(days.opens_at[number].astype(np.int64))
        for minute in range(390):
            open_, close = last, last * np.exp(random.normal(0, 0.0006, SYMBOLS))
            spread = 1 + np.abs(random.normal(0, 0.0004, (2, SYMBOLS)))
            high, low = np.maximum(open_, close) * spread[0], np.minimum(open_, close) / spread[1]
            volume = random.integers(100, 10_000, SYMBOLS).astype(float)
            values = np.round(np.stack((open_, high, low, close)), 4).tolist()
            rows += [
                (f"S{n}", Candle("1m", opens + minute * MINUTE, *prices, traded, True, False, "simulated"))
                for n, (*prices, traded) in enumerate(zip(*values, volume.tolist(), strict=True))
            ]
            last = close
    return rows


def run_plain(candles: Feed) -> int:
    """Return how many events the plain loop would send an alert for."""
    functions = [getattr(talib, name) for name in PATTERNS]
    rings = {f"S{n}": np.ones((4, 200)) * 100 for n in range(SYMBOLS)}
    raised = 0
    for symbol, candle in candles:
        ring = rings[symbol]
        ring[:, :-1] = ring[:, 1:]
        ring[:, -1] = candle[2:6]
        close = ring[3]
        fast, slow, rsi = talib.EMA(close, 12)[-1], talib.EMA(close, 26)[-1], talib.RSI(close, 14)[-1]
        line, signal, _ = talib.MACD(close)
        mean = talib.SMA(close, 20)[-1]
        found = sum(function(*ring)[-1] != 0 for function in functions)
        raised += bool(found > 2 or (rsi < 25 and fast < slow and line[-1] < signal[-1] and close[-1] < mean))
    return raised


def market_after(candles: Feed) -> LiveMarket:
    """Return a live market that has taken candles."""
    folder = load_settings().conf_folder
    exchanges = {f"S{n}": "XNYS" for n in range(SYMBOLS)}
    market = LiveMarket(read_rules(folder), exchanges, read_thresholds(folder))
    run_live(market, candles)
    return market


def run_live(market: LiveMarket, candles: Feed) -> int:
    """Return how many alerts a market raised."""
    return sum(
        len(market.take(candles[start : start + MESSAGE], NOW).alerts)
        for start in range(0, len(candles), MESSAGE)
    )


def seconds(work: Callable[[], int]) -> float:
    """Return how long one pass took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure one session after the warm-up, and print the speeds and their ratio."""
    candles = feed()
    warm, measured = candles[: -390 * SYMBOLS], candles[-390 * SYMBOLS :]
    some = measured[: 20 * SYMBOLS]
    plain, live, alerts = [], [], 0
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS):
        market = market_after(warm)
        plain.append(seconds(lambda: run_plain(some)) / len(some))
        start = time.perf_counter()
        alerts = run_live(market, measured)
        live.append((time.perf_counter() - start) / len(measured))
    print(f"plain loop   {1 / median(plain):10,.0f} candles/s   {1e6 * median(plain):6.1f} µs a candle")
    print(f"live market  {1 / median(live):10,.0f} candles/s   {1e6 * median(live):6.1f} µs a candle")
    print(f"ratio        {median(plain) / median(live):10.2f}   alerts a candle {alerts / len(measured):.3f}")


if __name__ == "__main__":
    main()
