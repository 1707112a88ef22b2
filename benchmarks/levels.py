"""Print how many bars a second the levels of all methods are found in, whole histories and bar by bar.

Random walks, `atr_14` ready. Both do the same work; the first also keeps every level and event and
names every level. A live candle may spend `AIM_US` microseconds on its levels.

    .venv/bin/python -m benchmarks.levels
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from lake.features.kernel import compute
from lake.levels.batch import bars_of, find
from lake.levels.live import LiveLevels
from lake.market.bars import Bars, Floats

BARS, ROUNDS = 10_000, 7
AIM_US = 50


def walk(timeframe: str, bars_per_session: int) -> tuple[Bars, Floats]:
    """Return a random walk and its `atr_14`."""
    random = np.random.default_rng(7)
    scale = 0.015 / np.sqrt(bars_per_session)
    close = 100 * np.exp(np.cumsum(random.normal(0, scale, BARS)))
    opens = close * np.exp(random.normal(0, scale / 2, BARS))
    high = np.maximum(opens, close) * (1 + scale * random.random(BARS))
    low = np.minimum(opens, close) * (1 - scale * random.random(BARS))
    row = np.arange(BARS)
    session = np.busday_offset("1985-01-01", row // bars_per_session)
    ts = session.astype("datetime64[us]") + (row % bars_per_session) * np.timedelta64(5, "m")
    yes, volume = np.ones(BARS, dtype=bool), random.integers(1, 10_000, BARS).astype(float)
    times = (ts, ts + np.timedelta64(5, "m"), session)
    bars = Bars("WALK", timeframe, *times, opens, high, low, close, volume, yes, ~yes)
    return bars, compute(bars, ["atr_14"])["atr_14"]


def batch_seconds(bars: Bars, atr: Floats) -> float:
    """Return the processor time that the whole history took."""
    start = time.process_time()
    find(bars, atr)
    return time.process_time() - start


def live_seconds(bars: Bars, atr: Floats) -> float:
    """Return the processor time that it took bar by bar."""
    ready, live = list(bars_of(bars, atr)), LiveLevels(bars.symbol, bars.timeframe)
    start = time.process_time()
    for bar in ready:
        live.push(bar)
    return time.process_time() - start


def main() -> None:
    """Print both speeds for daily and for 5-minute bars."""
    for timeframe, bars_per_session in (("1d", 1), ("5m", 78)):
        bars, atr = walk(timeframe, bars_per_session)
        rounds = [(batch_seconds(bars, atr), live_seconds(bars, atr)) for _ in range(ROUNDS)]
        batch, live = (median(times) for times in zip(*rounds, strict=True))
        print(f"{timeframe}  whole history {BARS / batch:10,.0f} bars/s")
        per_bar = f"{live / BARS * 1e6:.0f} µs a bar (aim {AIM_US})"
        print(f"{timeframe}  bar by bar    {BARS / live:10,.0f} bars/s   {per_bar}")


if __name__ == "__main__":
    main()
