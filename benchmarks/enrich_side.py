"""One side of benchmarks.enrich, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.enrich import timed
from benchmarks.features import bare_indicators, bare_patterns, walk
from lake.config import load_settings
from lake.features.kernel import compute
from lake.steps.enrich import enrich_features


def main() -> None:
    """Run the side that the arguments name: `bare ROOT SYMBOLS BARS` or `enrich ROOT`."""
    side, root, *numbers = sys.argv[1:]
    compute(walk(0, 300))  # imports and compilation are not what is measured
    if side == "bare":
        market = [walk(number, int(numbers[1])) for number in range(int(numbers[0]))]
        timed(lambda: [(bare_indicators(bars), bare_patterns(bars)) for bars in market])
    else:
        settings = load_settings(lake_root=str(Path(root)))
        timed(lambda: enrich_features(settings, timeframes=["1d"]))


if __name__ == "__main__":
    main()
