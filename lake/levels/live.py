"""Levels bar by bar: push one complete bar, get the levels it confirms and the events it makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from lake.levels.level import Event, Level
from lake.levels.method import Bar, Method
from lake.levels.registry import methods as registered
from lake.levels.swings import Swings
from lake.levels.tracker import Tracker, judged

STATE_VERSION = 2
"""Changes with what is remembered and with how levels are found: an older state is worth nothing then."""


class News(NamedTuple):
    """What one bar brought: `born` levels with their certificates, and `events`.

    A level that was known when the bar started is confirmed at the bar's start and may have
    events on it; one that the bar's close confirms counts from the next bar on. The tracker goes
    on writing to a level's certificate while it is active.
    """

    born: list[Level]
    events: list[Event]


class LiveLevels:
    """The levels of one symbol and timeframe, moved on bar by bar, each method's for themselves.

    Memory is bounded: levels that will not be in force again are dropped. `bars` counts what was pushed.
    """

    def __init__(self, symbol: str, timeframe: str, chosen: Mapping[str, type[Method]] | None = None) -> None:
        kinds = registered() if chosen is None else chosen
        self.symbol, self.timeframe = symbol, timeframe
        self.bars = 0
        self._before: tuple[float, float, float] | None = None
        self._set(
            Swings(),
            {name: kinds[name](timeframe) for name in kinds},
            {name: Tracker(symbol, timeframe, name) for name in kinds},
        )

    def push(self, bar: Bar) -> News:
        """Move on by one complete bar, later than all before; return what it brought."""
        number, before, born = self.bars, self._before, list[Level]()
        self.bars, self._before = number + 1, (bar.high, bar.low, bar.close)
        for method, tracker in self._opening:
            if births := method.opens(bar.ts, bar.session):
                born += tracker.add(births, bar.ts, number - 1)
        made = judged(bar, before, number) if before is not None else None
        for _, tracker in self._pairs:
            if made is None:
                tracker.expire(number)
            else:
                tracker.push(made)
        swings = self.swings.push(bar)
        for method, tracker in self._closing:
            if births := method.closes(bar, swings):
                born += tracker.add(births, bar.closes_at, number)
        for method, tracker in self._pairs:
            if tracker.ended:
                for level in tracker.ended:
                    method.ended(level.price)
                tracker.ended.clear()
        return News(born, made.events if made is not None else [])

    def levels(self) -> list[Level]:
        """Return the active levels with their ids, those broken in the last 20 bars among them."""
        found = [level for tracker in self.trackers.values() for level in tracker.levels()]
        for level in found:
            self.identify(level)
        return found

    def identify(self, level: Level) -> None:
        """Give one of these levels its id, where it has none yet."""
        self.trackers[level.method].identify(level)

    def rescale(self, ratio: float) -> None:
        """Bring everything to the terms after a split of `ratio`; push bars in those terms next."""
        if self._before is not None:
            high, low, close = self._before
            self._before = (high / ratio, low / ratio, close / ratio)
        self.swings.rescale(ratio)
        for tracker in self.trackers.values():
            tracker.rescale(ratio)
        for method in self.methods.values():
            method.rescale(ratio)

    def state(self) -> dict[str, Any]:
        """Return everything that is remembered, as JSON can hold it."""
        return {
            "version": STATE_VERSION,
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "bars": self.bars,
            "before": list(self._before) if self._before else None,
            "swings": self.swings.state(),
            "methods": {name: method.state() for name, method in self.methods.items()},
            "trackers": {name: tracker.state() for name, tracker in self.trackers.items()},
        }

    def copied(self) -> LiveLevels:
        """Return levels of their own in the same state."""
        live = LiveLevels(self.symbol, self.timeframe, {})
        live.bars, live._before = self.bars, self._before
        old = self.swings
        live._set(
            Swings(old.bars, list(old.starts), list(old.highs), list(old.lows)),
            {name: method.restore(method.state()) for name, method in self.methods.items()},
            {name: tracker.copied() for name, tracker in self.trackers.items()},
        )
        return live

    @classmethod
    def restore(
        cls, state: Mapping[str, Any], chosen: Mapping[str, type[Method]] | None = None
    ) -> LiveLevels:
        """Return the levels that `state` was taken from; a method it does not know starts anew."""
        symbol, timeframe = state["symbol"], state["timeframe"]
        live = cls(symbol, timeframe, chosen)
        live.bars = state["bars"]
        live._before = tuple(state["before"]) if state["before"] else None
        methods, trackers = dict(live.methods), dict(live.trackers)
        for name in methods.keys() & state["methods"].keys():
            methods[name] = methods[name].restore(state["methods"][name])
            trackers[name] = Tracker.restore(symbol, timeframe, name, state["trackers"][name])
        live._set(Swings(**state["swings"]), methods, trackers)
        return live

    def _set(self, swings: Swings, methods: dict[str, Method], trackers: dict[str, Tracker]) -> None:
        self.swings, self.methods, self.trackers = swings, methods, trackers
        pairs = self._pairs = [(method, trackers[name]) for name, method in methods.items()]
        # A method that leaves one of the two calls as it is is not called.
        self._opening = [pair for pair in pairs if type(pair[0]).opens is not Method.opens]
        self._closing = [pair for pair in pairs if type(pair[0]).closes is not Method.closes]
