"""Columns by TA-Lib's own streams: a handle a series, which goes on as its function over all bars would.

Used for the candle patterns: their running sums, and with them what a tie is decided by, hang on every bar
before, so that no window gives them exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from lake.features.indicator import Indicator
from lake.market.bars import Floats
from lake.rules.memory import Numbers


@cache
def _library() -> Any:
    import talib.stream  # on first use: it brings pandas

    return talib


class Handles:
    """One indicator's handles, and those of the session's start; None until a history is long enough."""

    def __init__(self, indicator: Indicator, function: str) -> None:
        self.indicator, self._function = indicator, function
        self.own: list[Any] = []
        self.before: list[Any] = []

    def add(self, series: int) -> None:
        """Make room for more series, which have not begun."""
        self.own += [None] * series
        self.before += [None] * series

    def begin(self, series: int) -> None:
        """Keep what to go back to: the handle before a session."""
        self.before[series] = _copied(self.own[series])

    def rewind(self, series: int) -> None:
        """Go back to the handle before the session."""
        self.own[series] = _copied(self.before[series])

    def open(self, series: int, values: Sequence[Floats]) -> None:
        """Begin a series with a history, if it is long enough."""
        library = _library()
        function = getattr(library.stream, self._function)
        arrays = [np.ascontiguousarray(each, dtype=np.float64) for each in values]
        try:
            self.own[series] = function(*arrays, **self.indicator.parameters)
        except library.InsufficientHistory:
            self.own[series] = None

    def state(self, series: Sequence[int]) -> list[Any]:
        """Return copies of the handles of some series."""
        return [_copied(self.own[number]) for number in series]

    def put(self, series: Sequence[int], handles: Sequence[Any]) -> None:
        """Bring some series back to handles that they had."""
        for number, handle in zip(series, handles, strict=True):
            self.own[number] = handle

    def move_on(self, rings: dict[str, Floats], series: Numbers, places: Numbers) -> Floats:
        """Return the values of new bars; a series that has not begun tries to, with all bars of its ring."""
        out = np.zeros(len(series))
        inputs = [rings[name] for name in self.indicator.inputs]
        bars = zip(*(each[series, places].tolist() for each in inputs), strict=True)
        rows = zip(series.tolist(), places.tolist(), bars, strict=True)
        for row, (number, place, bar) in enumerate(rows):
            handle = self.own[number]
            if handle is not None:
                out[row] = handle.update(*bar)
                continue
            self.open(number, [each[number, : place + 1] for each in inputs])
            if self.own[number] is not None:
                out[row] = self.own[number].value
        return out


def _copied(handle: Any) -> Any:
    return handle.copy() if handle is not None else None
