"""Print the speed of the incremental aggregator as a ratio to a bare loop over dictionaries.

Both read the same closed one-minute candles, symbol after symbol within a minute, and keep bars of
5, 15 and 30 minutes. The bare loop keeps the last bar of each in a dictionary and nothing else: no
session, no late candle, no correction, no news. Runs alternate; the ratio is that of their medians.

    .venv/bin/python -m benchmarks.aggregate
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from lake.market.aggregate import LONGER_INTRADAY
from lake.market.aggregator import Aggregator
from lake.market.buckets import MINUTE
from lake.market.candles import Candle
from lake.market.sessions import calendar
from lake.market.timeframes import INTRADAY_MINUTES

SYMBOLS, MINUTES, ROUNDS = 200, 390, 7
DAY = np.datetime64("2019-01-02")

Feed = list[tuple[str, Candle]]
LENGTHS = [INTRADAY_MINUTES[name] * MINUTE for name in LONGER_INTRADAY]


def feed() -> Feed:
    """Return one session of random walks, minute by minute."""
    days = calendar("XNYS")
    opens = int(days.opens_at[days.ordinals(np.array([DAY]))[0]].astype(np.int64))
    steps = np.random.default_rng(7).normal(0, 0.001, (SYMBOLS, MINUTES))
    prices = np.round(100 * np.exp(np.cumsum(steps, axis=1)), 2).tolist()
    return [
        (f"S{number}", Candle("1m", opens + minute * MINUTE, close, close, close, close, 100.0))
        for minute in range(MINUTES)
        for number, close in enumerate(row[minute] for row in prices)
    ]


def run_bare(candles: Feed) -> int:
    """Return how many bars the bare loop finished."""
    bars: dict[tuple[str, int], list[float]] = {}
    finished = 0
    for symbol, candle in candles:
        for length in LENGTHS:
            start = candle.ts - candle.ts % length
            bar = bars.get((symbol, length))
            if bar is None or bar[0] != start:
                finished += bar is not None
                bars[symbol, length] = [start, *candle[2:7]]
            else:
                bar[2] = max(bar[2], candle.high)
                bar[3] = min(bar[3], candle.low)
                bar[4] = candle.close
                bar[5] += candle.volume
    return finished + len(bars)


def run_aggregators(candles: Feed, emits_forming: bool = False) -> int:
    """Return how many bars the aggregators said had closed."""
    days = calendar("XNYS")
    made = {f"S{n}": Aggregator(f"S{n}", days, emits_forming=emits_forming) for n in range(SYMBOLS)}
    closed = 0
    for symbol, candle in candles:
        for change in made[symbol].push(candle).changes:
            closed += change.status == "closed"
    return closed


def seconds(work: Callable[[Feed], int], candles: Feed) -> float:
    """Return how long one pass took."""
    start = time.perf_counter()
    work(candles)
    return time.perf_counter() - start


def main() -> None:
    """Check that both made as many bars, then print the ratios."""
    candles = feed()
    assert run_bare(candles) == run_aggregators(candles) == SYMBOLS * (78 + 26 + 13)
    works = (run_bare, run_aggregators, lambda rows: run_aggregators(rows, emits_forming=True))
    rounds = [[seconds(work, candles) for work in works] for _ in range(ROUNDS)]
    base, *others = (median(times) for times in zip(*rounds, strict=True))
    print(f"bare loop               {len(candles) / base:10,.0f} candles/s")
    for name, taken in zip(("closed bars only", "with forming bars"), others, strict=True):
        print(f"aggregator, {name:<18}{len(candles) / taken:10,.0f} candles/s   {base / taken:.2f} of it")


if __name__ == "__main__":
    main()
