"""Where histories are cut: by chance, the same for the same seed and history."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from lake.market.bars import Bars

LATE_SHARE = 0.1
"""The first cut lies in this last share of a history, where every column has warmed up if any does."""


def cuts_of(bars: Bars, count: int, seed: int) -> list[int]:
    """Return the lengths of up to `count` prefixes, each shorter than the whole, in their order.

    A bar more gives other cuts, so that daily runs reach more and more of a history.
    """
    longest = len(bars) - 1
    if longest < 1 or count < 1:
        return []
    random = np.random.default_rng([seed, crc32(f"{bars.symbol}/{bars.timeframe}".encode()), len(bars)])
    late = longest - int(random.integers(0, max(int(LATE_SHARE * longest), 1)))
    others = 1 + random.permutation(longest)
    return sorted([late, *(each for each in others.tolist() if each != late)][:count])
