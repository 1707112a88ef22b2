"""Levels of a whole history: the bars pushed through `LiveLevels` one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lake.levels.level import Event, Level
from lake.levels.live import LiveLevels
from lake.levels.method import Bar, Method
from lake.market.bars import Bars, Floats


@dataclass(frozen=True, slots=True)
class Found:
    """All levels of a history in the order of their confirmation, and all events in time.

    Certificates are as of the last bar. `live` is ready for the bar after it.
    """

    levels: list[Level]
    events: list[Event]
    live: LiveLevels

    @property
    def last_bar(self) -> int:
        """Return the number of the last bar; strengths are read with `level.strength_at(last_bar)`."""
        return self.live.bars - 1


def find(bars: Bars, atr: Floats, chosen: Mapping[str, type[Method]] | None = None) -> Found:
    """Return the levels and events of one symbol's bars on the split basis.

    Incomplete bars are passed over.

    Args:
        atr: column `atr_14` of the bars.
        chosen: methods by name; all registered ones if left out.
    """
    live = LiveLevels(bars.symbol, bars.timeframe, chosen)
    levels: list[Level] = []
    events: list[Event] = []
    for bar in bars_of(bars, atr):
        born, made = live.push(bar)
        levels += born
        events += made
    for level in levels:
        live.identify(level)
    return Found(levels, events, live)


def bars_of(bars: Bars, atr: Floats) -> Iterator[Bar]:
    """Yield the complete bars as the levels take them."""
    rows = bars.is_complete
    complete = bars[rows]
    times = (complete.ts, complete.closes_at)
    columns = [moments.astype("datetime64[us]").astype(np.int64).tolist() for moments in times]
    columns.append(complete.session.astype("datetime64[D]").astype(np.int64).tolist())
    columns += [getattr(complete, name).tolist() for name in ("open", "high", "low", "close", "volume")]
    return map(Bar._make, zip(*columns, atr[rows].tolist(), strict=True))
