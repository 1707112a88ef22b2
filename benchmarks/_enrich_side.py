"""One side of benchmarks.enrich, in a process of its own: TA-Lib bare, or the whole step."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import lake.features.registry as registry

INDICATORS = (
    "sma_7 sma_20 sma_50 sma_200 ema_7 ema_8 ema_12 ema_13 ema_20 ema_26 ema_144 ema_169 rsi_7 rsi_14 "
    "macd macd_signal macd_hist stoch_k stoch_d roc_10 mfi_14 willr_14 cci_20 atr_14 true_range stdev_20 "
    "bb_upper bb_middle bb_lower adx_14 plus_di_14 minus_di_14 aroon_up_25 aroon_down_25 "
    "obv adl volume_sma_20"
)
"""Thirty indicators with 37 outputs; the 61 candle patterns of TA-Lib come with them."""


def narrow() -> None:
    """Make this process know these columns as the stored ones; before anything else is imported."""
    kept = set(INDICATORS.split())
    groups = {
        group: tuple(
            replace(each, is_helper=not (group == "talib_patterns" or kept.issuperset(each.columns)))
            for each in indicators
        )
        for group, indicators in registry.REGISTRY.groups.items()
    }
    registry.REGISTRY = registry.build(groups)


def main() -> None:
    """Run what the arguments name: `bare|enrich all|narrow ROOT SYMBOLS BARS`."""
    side, width, root, symbols, bars = sys.argv[1:]
    if width == "narrow":
        narrow()
    from benchmarks.features import bare_indicators, bare_listed, bare_patterns, walk
    from lake.config import load_settings
    from lake.features.kernel import compute
    from lake.steps.enrich import enrich_features

    compute(walk(0, 300))  # imports and compilation are not what is measured
    if side == "bare":
        market = [walk(number, int(bars)) for number in range(int(symbols))]
        indicators = bare_listed if width == "narrow" else bare_indicators
        timed(lambda: [(indicators(each), bare_patterns(each)) for each in market])
    else:
        settings = load_settings(lake_root=root)
        timed(lambda: enrich_features(settings, timeframes=["1d"]))


def timed(work: Callable[[], object]) -> None:
    """Print what `work` takes, by the clock and of all processors, and this process's peak of memory."""
    began, used = time.perf_counter(), time.process_time()
    work()
    seconds, busy = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
        1 << (20 if sys.platform == "darwin" else 10)
    )
    print(json.dumps({"seconds": seconds, "busy": busy, "memory": peak}))


if __name__ == "__main__":
    main()
