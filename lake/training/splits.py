"""Train, validation and test: cut by time over all symbols at once, purged and with an embargo.

The later of two neighbouring splits is kept whole. Of the earlier one a row is *purged* if its
longest label ends at or after the first `closes_at` of the later split, and *embargoed* if it
ends within the last `embargo` bar times before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lake.errors import BadInput
from lake.market.bars import Times

SPLITS = ("train", "validation", "test")
FRACTIONS = (0.6, 0.2, 0.2)
"""Default shares of the distinct bar times, oldest first."""

PURGED, EMBARGOED = -1, -2

Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where the splits meet: `starts_at[i]` begins split i+1, `quiet_from[i]` the embargo before it."""

    starts_at: Times
    quiet_from: Times


def cuts(times: Times, fractions: Sequence[float], embargo: int) -> Cuts:
    """Return the cuts of distinct bar times, oldest first.

    Raises:
        BadInput: fractions are not shares of 1, or a split would hold fewer times than the embargo takes.
    """
    if len(fractions) != len(SPLITS) or min(fractions) <= 0 or not np.isclose(sum(fractions), 1.0):
        raise BadInput(f"expected three positive fractions that add up to 1, found {tuple(fractions)}")
    # Rounding guards against 0.6 + 0.2 = 0.8000000000000001 moving a cut by one.
    edges = [0, *(int(round(part, 9)) for part in np.cumsum(fractions)[:-1] * len(times)), len(times)]
    if min(later - earlier for earlier, later in pairwise(edges)) <= embargo:
        raise BadInput(
            f"expected more than {embargo} bar times in each of train, validation and test (the embargo), "
            f"found {len(times)} in all; ingest a longer history, or ask for shorter horizons"
        )
    inner = np.array(edges[1:-1])
    return Cuts(times[inner], times[inner - embargo])


def assign(closes_at: Times, ends_at: Times, at: Cuts) -> Codes:
    """Return, for each row, the index of its split, PURGED or EMBARGOED.

    `ends_at` is when the row's last label ends.
    """
    split = np.searchsorted(at.starts_at, closes_at, side="right").astype(np.int8)
    codes = split.copy()
    for index in range(len(at.starts_at)):
        earlier = split == index
        codes[earlier & (ends_at >= at.quiet_from[index])] = EMBARGOED
        codes[earlier & (ends_at >= at.starts_at[index])] = PURGED
    return codes
