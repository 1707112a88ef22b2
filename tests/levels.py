"""Small histories for tests of levels: bars of (high, low, close), and a method that plants levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lake.features.kernel import compute
from lake.levels.batch import Found, find
from lake.levels.level import Birth, Event, Kind, Level
from lake.levels.method import Bar, Method, Swing
from lake.levels.registry import methods
from lake.market.bars import Bars, Floats
from tests.builders import daily_bars, sessions

ATR = 4.0
"""`atr_14` of hand-made bars, so that levels are bands of 1.0 to either side."""

Shape = tuple[float, float, float]


def shaped(*shapes: Shape, first: str = "2024-01-02", volume: Sequence[float] | None = None) -> Bars:
    """Return daily bars of (high, low, close); the first is 2 January 2024, a Tuesday."""
    high, low, close = (list(values) for values in zip(*shapes, strict=True))
    days = sessions(first, len(shapes))
    return daily_bars(days, close, open=close, high=high, low=low, volume=volume or [1000.0] * len(close))


def flat_atr(bars: Bars) -> Floats:
    """Return `ATR` for every bar."""
    return np.full(len(bars), ATR)


def found_by(bars: Bars, *names: str) -> Found:
    """Return what methods of these names find in hand-made bars."""
    return find(bars, flat_atr(bars), {name: methods()[name] for name in names})


def find_all(bars: Bars, chosen: Mapping[str, type[Method]] | None = None) -> Found:
    """Return what all methods, or the chosen ones, find in bars with their own `atr_14`."""
    return find(bars, compute(bars, ["atr_14"])["atr_14"], chosen)


def micros(moment: np.datetime64) -> int:
    """Return a time as levels hold it."""
    return int(moment.astype("datetime64[us]").astype(np.int64))


def rows_of(bars: Bars, levels: Sequence[Level]) -> list[tuple[str, str, float, int, int]]:
    """Return name, kind at birth, price, the bar that formed and the bar that confirmed each level.

    Minus a bar's number means that the level was confirmed by the start of that bar.
    """
    starts, closes = list(map(micros, bars.ts)), list(map(micros, bars.closes_at))

    def confirmed(moment: int) -> int:
        return closes.index(moment) if moment in closes else -starts.index(moment)

    return [
        (
            level.name,
            level.kind_at_birth,
            level.price,
            starts.index(level.formed_at),
            confirmed(level.confirmed_at),
        )
        for level in levels
    ]


def named(bars: Bars, events: Sequence[Event]) -> list[tuple[int, str]]:
    """Return the bar and the name of each event."""
    starts = list(map(micros, bars.ts))
    return [(starts.index(event.ts), event.event) for event in events]


@dataclass(slots=True)
class Planted(Method):
    """One support at 100, confirmed by the close of the first bar."""

    method: ClassVar[str] = "planted"
    kind: ClassVar[Kind] = "support"
    is_planted: bool = False

    def closes(self, bar: Bar, swings: Sequence[Swing]) -> Sequence[Birth]:
        """Return the level, once."""
        if self.is_planted:
            return ()
        self.is_planted = True
        return [Birth(self.kind, 100.0, bar.ts, "planted")]


@dataclass(slots=True)
class PlantedAbove(Planted):
    """One resistance at 100, confirmed by the close of the first bar."""

    kind: ClassVar[Kind] = "resistance"
