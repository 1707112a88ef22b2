"""The tracker: active levels of one method, and the events that a bar makes at the nearest of them.

With price p and tolerance d = 0.25 `atr_14` of the evaluated bar, a level's band is p ± d. Nearest
is measured from the close of the bar before, for each kind, in force and broken levels apart, and
among the levels of one method: what another method finds changes nothing. A level that breaks is
not in force any more, so the next one is nearest then, on the same bar. A resistance mirrors a
support:

- touch: the bar's range meets the band, the bar before lay above it;
- bounce: on the bar that touched or one of the three after it, a close at or above p + d;
- break: a close at or below p - d; for 20 bars after it, the level broken:
- retest: the bar's range meets the band, the bar before lay below it;
- role_flip: on the bar of the retest or one of the three after it, a close at or below p - d: the
  support is a resistance now, and active.

A close on the other side of the band ends the wait for a bounce or a flip. Comparisons treat
prices within 1e-9 of the close as equal. There are no events while `atr_14` warms up or is 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from lake.features.indicator import TOLERANCE
from lake.levels.active import Active
from lake.levels.level import OTHER, Birth, Event, EventName, Kind, Level, copied, level_id, side_of
from lake.levels.method import Bar
from lake.levels.settings import LEVELS

BOUNCE_BARS = LEVELS.events.bounce_bars
"""Bars after a touch or retest within which a close away from the level is a bounce or flip."""
RETEST_BARS = LEVELS.events.retest_bars
"""Bars after a break within which a level may be tested from the other side."""

KINDS: tuple[Kind, ...] = ("support", "resistance")
SIGNS = (1, -1)
"""On which side of a bar lie levels of each kind that it leaves behind."""


class Judged(NamedTuple):
    """One bar as levels are judged by it.

    `before` is high, low and close of the bar before, `number` the bar's own. A price within
    `near` of a level is in its band, a close at least `far` away is out of it: the tolerance,
    more and less what counts as equal, `slack`. `bottom` and `top` hold every level that the bar can
    touch, and all that it can break but those it leaves behind.
    """

    bar: Bar
    before: tuple[float, float, float]
    number: int
    near: float
    far: float
    slack: float
    bottom: float
    top: float
    events: list[Event]


def judged(bar: Bar, before: tuple[float, float, float], number: int) -> Judged | None:
    """Return a bar as levels are judged by it; None where no event can be."""
    slack, tolerance = TOLERANCE * bar.close, bar.tolerance
    if not tolerance > 2 * slack:
        return None
    near, far = tolerance + slack, tolerance - slack
    # A close may lie outside of high and low; the second slack is for rounding.
    bottom, top = min(bar.low, bar.close) - near - slack, max(bar.high, bar.close) + near + slack
    return Judged(bar, before, number, near, far, slack, bottom, top, [])


class Tracker:
    """Active levels of one symbol, timeframe and method, moved on bar by bar.

    `ended` collects levels that will not be in force again, until the owner has taken them.
    """

    __slots__ = ("_groups", "active", "born", "ended", "method", "symbol", "timeframe")

    def __init__(self, symbol: str, timeframe: str, method: str) -> None:
        self.symbol, self.timeframe, self.method = symbol, timeframe, method
        self.born = 0
        self.active = {kind: Active() for kind in KINDS}
        self.ended: list[Level] = []
        self._groups: dict[str, list[Level]] = {}

    def add(self, births: Sequence[Birth], confirmed_at: int, bar: int) -> list[Level]:
        """Make levels of what the method proposes, active from `confirmed_at` on; `bar` is the last one."""
        for group in dict.fromkeys(birth.group for birth in births if birth.group):
            for old in self._groups.pop(group, ()):
                self._replace(old)
        return [self._born(birth, confirmed_at, bar) for birth in births]

    def expire(self, number: int) -> None:
        """Let go of levels that broke too long before a bar to be tested again on it."""
        for active in self.active.values():
            if active.broken:
                self._expire(active, number)

    def push(self, judged: Judged) -> None:
        """Add the events that a bar makes, in the order of `KINDS`, levels in force first."""
        last_close, number, slack = judged.before[2], judged.number, judged.slack
        tested: list[tuple[Active, bool, Level | None]] = []
        for active, sign in zip(self.active.values(), SIGNS, strict=True):
            broken = None
            if active.broken:
                self._expire(active, number)
                broken = active.nearest_broken(last_close, slack)
            # Most bars come near no level and leave none behind: then nothing has to be searched.
            is_reached = number - active.touched <= BOUNCE_BARS or active.is_reached(
                judged.bottom, judged.top, last_close, slack, sign
            )
            if is_reached or broken is not None:
                tested.append((active, is_reached, broken))
        if not tested:
            return
        flipped: list[Level] = []
        for active, is_reached, broken in tested:
            while is_reached and (level := active.nearest(last_close, slack)) is not None:
                is_reached = self._breaks(level, judged)
            if broken is not None and self._returns(broken, judged):
                flipped.append(broken)
        # Only now, and both out before one goes in: one may push out a level that is still to be handled.
        for level in flipped:
            self.active[level.kind].remove(level)
        for level in flipped:
            self._flip(level)

    def _breaks(self, level: Level, judged: Judged) -> bool:
        """Note touch, bounce and break of a level in force; return whether it broke."""
        bar, before, number, near, far, _, _, _, events = judged
        price = level.price
        if level.kind == "support":
            came = before[1] - price > near
            gain = bar.close - price
        else:
            came = price - before[0] > near
            gain = price - bar.close
        if came and bar.low - price <= near and price - bar.high <= near:
            self._touch(level, "touch", judged)
            self.active[level.kind].touched = number
        if gain <= -far:
            self._note(level, "break", bar, events)
            self.active[level.kind].broke(level)
            level.outcome, level.broken_at, level.broken_bar = "broken", bar.closes_at, number
            level.touched_bar = None
            return True
        if level.touched_bar is not None and gain >= far:
            if number - level.touched_bar <= BOUNCE_BARS:
                self._note(level, "bounce", bar, events)
            level.touched_bar = None
        return False

    def _returns(self, level: Level, judged: Judged) -> bool:
        """Note retest and role flip of a broken level; return whether it flipped."""
        bar, before, number, near, far, _, _, _, events = judged
        price = level.price
        if level.kind == "support":
            came = price - before[0] > near
            gain = price - bar.close
        else:
            came = before[1] - price > near
            gain = bar.close - price
        if came and bar.low - price <= near and price - bar.high <= near:
            self._touch(level, "retest", judged)
        if level.touched_bar is None or abs(gain) < far:
            return False
        flips = gain > 0 and number - level.touched_bar <= BOUNCE_BARS
        level.touched_bar = None
        if flips:
            self._note(level, "role_flip", bar, events)
        return flips

    def _touch(self, level: Level, event: EventName, judged: Judged) -> None:
        bar, number = judged.bar, judged.number
        self._note(level, event, bar, judged.events)
        level.strength, level.strength_bar = level.strength_at(number) + 1.0, number
        level.touches += 1
        level.last_touch_at, level.touched_bar = bar.closes_at, number

    def _note(self, level: Level, event: EventName, bar: Bar, events: list[Event]) -> None:
        self.identify(level)
        side = side_of(event, level.kind)
        events.append(
            Event(
                level.level_id,
                event,
                level.kind,
                side,
                level.method,
                level.price,
                bar.ts,
                bar.closes_at,
                level.confirmed_at,
            )
        )

    def identify(self, level: Level) -> None:
        """Give a level its id, where it has none yet."""
        level.level_id = level.level_id or level_id(
            level.method, level.kind_at_birth, self.symbol, self.timeframe, level.formed_at, level.name
        )

    def _flip(self, level: Level) -> None:
        level.kind, level.role_flips = OTHER[level.kind], level.role_flips + 1
        level.outcome, level.broken_at = "active", None
        self._enter(level)

    def _born(self, birth: Birth, confirmed_at: int, bar: int) -> Level:
        kind, price, formed_at, name, group, strength = birth
        level = Level(
            self.method,
            name,
            kind,
            kind,
            price,
            formed_at,
            confirmed_at,
            group,
            self.born,
            strength,
            bar,
        )
        if group:
            self._groups.setdefault(group, []).append(level)
        self._enter(level)
        return level

    def _enter(self, level: Level) -> None:
        level.number, self.born = self.born, self.born + 1
        if oldest := self.active[level.kind].add(level):
            if oldest.outcome == "active":
                oldest.outcome = "crowded_out"
            self._forget(oldest)

    def _expire(self, active: Active, number: int) -> None:
        while active.broken and number - active.broken[0].broken_bar > RETEST_BARS:
            level = active.broken[0]
            active.remove(level)
            self._forget(level)

    def _replace(self, level: Level) -> None:
        """End a level whose successor came; one that is broken keeps that as its outcome."""
        self.active[level.kind].remove(level)
        if level.outcome == "active":
            level.outcome = "replaced"
        self.ended.append(level)

    def _forget(self, level: Level) -> None:
        if level.group:
            self._groups[level.group].remove(level)
        self.ended.append(level)

    def levels(self) -> Iterable[Level]:
        """Return the active levels, broken ones that may be tested again among them."""
        return [level for active in self.active.values() for level in active]

    def rescale(self, ratio: float) -> None:
        """Bring prices to the terms after a split."""
        for level in self.levels():
            level.price /= ratio
        self.active = {kind: Active(list(active), active.touched) for kind, active in self.active.items()}

    def state(self) -> dict[str, Any]:
        """Return everything that is remembered, as JSON can hold it."""
        return {
            "born": self.born,
            "touched": [active.touched for active in self.active.values()],
            "levels": [asdict(level) for level in self.levels()],
        }

    def copied(self) -> Tracker:
        """Return a tracker of its own in the same state."""
        tracker = Tracker(self.symbol, self.timeframe, self.method)
        tracker.born = self.born
        own: dict[int, Level] = {id(level): copied(level) for level in self.levels()}
        tracker.active = {
            kind: Active([own[id(level)] for level in active], active.touched)
            for kind, active in self.active.items()
        }
        for group, levels in self._groups.items():
            tracker._groups[group] = [own[id(level)] for level in levels]
        return tracker

    @classmethod
    def restore(cls, symbol: str, timeframe: str, method: str, state: dict[str, Any]) -> Tracker:
        """Return the tracker that `state` was taken from."""
        tracker = cls(symbol, timeframe, method)
        tracker.born = state["born"]
        levels = [Level(**each) for each in state["levels"]]
        tracker.active = {
            kind: Active([each for each in levels if each.kind == kind], touched)
            for kind, touched in zip(KINDS, state["touched"], strict=True)
        }
        for level in levels:
            if level.group:
                tracker._groups.setdefault(level.group, []).append(level)
        return tracker
