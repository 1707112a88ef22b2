"""Columns of the newest bars of many series."""

from __future__ import annotations

from collections.abc import Sequence

from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.live.rings import Rings
from lake.rules.memory import Numbers


class RingColumns:
    """Columns computed over the whole ring of each series that has new bars.

    A ring holds enough bars that nothing of where it starts is left in a value.
    """

    def __init__(self, names: Sequence[str], timeframe: str) -> None:
        self.names, self.timeframe = tuple(names), timeframe

    @property
    def keep(self) -> int:
        """Return how many bars before a session's first the values of that one rest on."""
        return REGISTRY.settle_bars(self.names)

    def fill_in(self, rings: Rings, series: Numbers, places: Numbers) -> None:
        """Set the columns of new bars, given by series and place."""
        for number in dict.fromkeys(series.tolist()):
            found = compute(rings.bars("", self.timeframe, number), self.names)
            rows = places[series == number]
            for name, values in found.items():
                rings.floats[name][number, rows] = values[rows]
