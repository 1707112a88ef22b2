"""Print the speed of the sandbox as a ratio to a bare compiled loop.

Both trade an SMA 20/50 cross, long only, filled at the next open, on the same random walks with the
averages ready. The bare loop keeps final cash, a trade count and the equity curve, and nothing else.
The sandbox turns the averages into signals, fills, records trades with their excursions, the curve,
buy-and-hold and all metrics. Runs alternate; the ratio is the median of those of neighbours.

    .venv/bin/python -m benchmarks.sandbox
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numba import njit

from lake.market.bars import Actions, Bars, Floats
from lake.sandbox.engine import simulate
from lake.sandbox.metrics import measure
from lake.sandbox.outcome import Costs

SYMBOLS, BARS, ROUNDS = 200, 5_000, 15
COSTS = Costs(commission_bps=10, slippage_bps=5)
TARGET = 0.25

Market = list[tuple[Bars, Floats, Floats]]


@njit(cache=True)
def bare(opens, closes, fast, slow, cash, commission, slippage, equity):  # type: ignore[no-untyped-def]
    quantity, trades = 0.0, 0
    for row in range(len(closes)):
        if row:
            if quantity > 0.0 and fast[row - 1] < slow[row - 1]:
                cash = quantity * opens[row] * (1 - slippage) * (1 - commission)
                quantity = 0.0
                trades += 1
            elif quantity == 0.0 and fast[row - 1] > slow[row - 1]:
                quantity = cash / (opens[row] * (1 + slippage) * (1 + commission))
                cash = 0.0
        equity[row] = cash + quantity * closes[row]
    return equity[-1], trades


def market(symbols: int, bars: int) -> Market:
    """Return random walks with their two averages."""
    random = np.random.default_rng(7)
    return [_walk(random, f"S{number}", bars) for number in range(symbols)]


def _walk(random: np.random.Generator, symbol: str, count: int) -> tuple[Bars, Floats, Floats]:
    close = np.round(100 * np.exp(np.cumsum(random.normal(0.0003, 0.015, count))), 4)
    opens = np.round(close * np.exp(random.normal(0, 0.004, count)), 4)
    high, low = np.maximum(opens, close) * 1.004, np.minimum(opens, close) * 0.996
    session = np.arange("1990-01-01", count, dtype="datetime64[D]")
    ts = session.astype("datetime64[us]")
    yes, volume = np.ones(count, dtype=bool), np.full(count, 1e6)
    times = (ts, ts + np.timedelta64(21, "h"), session)
    bars = Bars(symbol, "1d", *times, opens, high, low, close, volume, yes, ~yes)
    return bars, _mean_of(close, 20), _mean_of(close, 50)


def _mean_of(close: Floats, length: int) -> Floats:
    total = np.cumsum(np.insert(close, 0, 0.0))
    head = np.full(length - 1, np.nan)
    return np.concatenate([head, (total[length:] - total[:-length]) / length])


def run_bare(stocks: Market) -> list[tuple[float, int]]:
    """Return final equity and trades of every symbol from the bare loop."""
    account = (COSTS.cash, COSTS.commission, COSTS.slippage)
    return [
        bare(bars.open, bars.close, fast, slow, *account, np.empty(len(bars))) for bars, fast, slow in stocks
    ]


def run_sandbox(stocks: Market) -> list[tuple[float, int]]:
    """Return the same from the sandbox."""
    results, none = [], Actions.none()
    for bars, fast, slow in stocks:
        metrics = measure(simulate(bars, none, fast > slow, fast < slow, COSTS))
        results.append((metrics.final_equity, metrics.trades))
    return results


def seconds(work: Callable[[Market], object], stocks: Market) -> float:
    """Return how long one pass took."""
    start = time.perf_counter()
    work(stocks)
    return time.perf_counter() - start


def main() -> None:
    """Check that both agree, then print the ratio."""
    stocks = market(SYMBOLS, BARS)
    expected, found = np.array(run_bare(stocks)), np.array(run_sandbox(stocks))
    np.testing.assert_allclose(found[:, 0], expected[:, 0], rtol=1e-9)
    np.testing.assert_array_equal(found[:, 1], expected[:, 1])
    rounds = [(seconds(run_bare, stocks), seconds(run_sandbox, stocks)) for _ in range(ROUNDS)]
    base, full = (median(times) for times in zip(*rounds, strict=True))
    million = SYMBOLS * BARS / 1e6
    print(f"bare loop {million / base:8.0f}M bars/s")
    ratios = [alone / whole for alone, whole in rounds]
    print(f"sandbox   {million / full:8.0f}M bars/s")
    print(f"ratio {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), target >= {TARGET}")


if __name__ == "__main__":
    main()
