"""Levels bar by bar: push one complete bar, get the levels it confirms and the events it makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from lake.levels.level import Event, Level
from lake.levels.method import Bar, Method
from lake.levels.registry import methods as registered
from lake.levels.swings import Swings
from lake.levels.tracker import Tracker

STATE_VERSION = 1


class News(NamedTuple):
    """What one bar brought: `born` levels with their certificates, and `events`.

    A level that was known when the bar started is confirmed at the bar's start and may have
    events on it; one that the bar's close confirms counts from the next bar on. The tracker goes
    on writing to a level's certificate while it is active.
    """

    born: list[Level]
    events: list[Event]


class LiveLevels:
    """The levels of one symbol and timeframe, moved on bar by bar.

    Memory is bounded: levels that will not be in force again are dropped.
    """

    def __init__(self, symbol: str, timeframe: str, chosen: Mapping[str, type[Method]] | None = None) -> None:
        kinds = registered() if chosen is None else chosen
        self._set(Tracker(symbol, timeframe), Swings(), {name: kinds[name](timeframe) for name in kinds})

    def push(self, bar: Bar) -> News:
        """Move on by one complete bar, later than all before; return what it brought."""
        tracker, born = self.tracker, []
        for method in self._opening:
            if births := method.opens(bar.ts, bar.session):
                born += tracker.add(method.method, births, bar.ts)
        events = tracker.push(bar)
        swings = self.swings.push(bar)
        for method in self._closing:
            if births := method.closes(bar, swings):
                born += tracker.add(method.method, births, bar.closes_at)
        if tracker.ended:
            self._tell_ended()
        return News(born, events)

    def levels(self) -> list[Level]:
        """Return the active levels with their ids, those broken in the last 20 bars among them."""
        found = list(self.tracker.levels())
        for level in found:
            self.tracker.identify(level)
        return found

    def rescale(self, ratio: float) -> None:
        """Bring everything to the terms after a split of `ratio`; push bars in those terms next."""
        self.tracker.rescale(ratio)
        self.swings.rescale(ratio)
        for method in self.methods.values():
            method.rescale(ratio)

    def state(self) -> dict[str, Any]:
        """Return everything that is remembered, as JSON can hold it."""
        return {
            "version": STATE_VERSION,
            "symbol": self.tracker.symbol,
            "timeframe": self.tracker.timeframe,
            "tracker": self.tracker.state(),
            "swings": self.swings.state(),
            "methods": {name: method.state() for name, method in self.methods.items()},
        }

    def copied(self) -> LiveLevels:
        """Return levels of their own in the same state."""
        live = LiveLevels(self.tracker.symbol, self.tracker.timeframe, {})
        old = self.swings
        swings = Swings(old.bars, list(old.starts), list(old.highs), list(old.lows))
        methods = {name: method.restore(method.state()) for name, method in self.methods.items()}
        live._set(self.tracker.copied(), swings, methods)
        return live

    @classmethod
    def restore(
        cls, state: Mapping[str, Any], chosen: Mapping[str, type[Method]] | None = None
    ) -> LiveLevels:
        """Return the levels that `state` was taken from; a method it does not know starts anew."""
        live = cls(state["symbol"], state["timeframe"], chosen)
        stored = state["methods"]
        live._set(
            Tracker.restore(state["symbol"], state["timeframe"], state["tracker"]),
            Swings(**state["swings"]),
            {
                name: method.restore(stored[name]) if name in stored else method
                for name, method in live.methods.items()
            },
        )
        return live

    def _set(self, tracker: Tracker, swings: Swings, methods: dict[str, Method]) -> None:
        self.tracker, self.swings, self.methods = tracker, swings, methods
        # A method that leaves one of the two calls as it is is not called.
        self._opening = [each for each in methods.values() if type(each).opens is not Method.opens]
        self._closing = [each for each in methods.values() if type(each).closes is not Method.closes]

    def _tell_ended(self) -> None:
        for level in self.tracker.ended:
            if level.method in self.methods:
                self.methods[level.method].ended(level.price)
        self.tracker.ended.clear()
