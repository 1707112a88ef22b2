"""Sessions that a history lacks; gaps are recorded, never filled with invented bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lake.market.bars import Dates
from lake.market.sessions import Calendar


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of sessions without a bar, both ends included."""

    first_missing: np.datetime64
    last_missing: np.datetime64
    sessions: int


def gaps_of(sessions: Dates, calendar: Calendar) -> list[Gap]:
    """Return the gaps between the first and the last of a symbol's distinct session dates, oldest first.

    Dates on which the exchange held no session do not count.
    """
    numbers = calendar.ordinals(sessions)
    numbers = np.unique(numbers[numbers >= 0])
    edges = np.flatnonzero(np.diff(numbers) > 1)
    return [
        Gap(
            calendar.sessions[numbers[edge] + 1],
            calendar.sessions[numbers[edge + 1] - 1],
            int(numbers[edge + 1] - numbers[edge] - 1),
        )
        for edge in edges
    ]
