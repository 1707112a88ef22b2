"""What the levels of a prefix and of the whole history disagree on: nothing, or somebody looked ahead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from lake.features.indicator import TOLERANCE
from lake.levels.batch import Found
from lake.levels.level import OTHER, Event, Level


class Disagreement(NamedTuple):
    """One thing that a prefix and the whole say differently; None stands for what one of them lacks.

    `what` is a level, an event, a certificate, an outcome or a strength, `key` says which.
    """

    method: str
    what: str
    key: tuple[Any, ...]
    part: Any
    whole: Any

    def __str__(self) -> str:
        subject = f"{self.method}: {self.what} {self.key}"
        if self.part is None:
            return f"{subject} is missing from the prefix"
        if self.whole is None:
            return f"{subject} is in the prefix alone"
        return f"{subject} is {self.part} in the prefix, {self.whole} in the whole"


def differences(part: Found, whole: Found, until: int, split_ratio: float = 1.0) -> list[str]:
    """Return `disagreements` in words, each line beginning with the method's name."""
    return [str(each) for each in disagreements(part, whole, until, split_ratio)]


def disagreements(
    part: Found, whole: Found, until: int, split_ratio: float = 1.0, since: int | None = None
) -> list[Disagreement]:
    """Return what a prefix and the whole say differently of the time up to the cut.

    Compared are the levels confirmed up to `until`, the events on bars that closed up to it, that
    the prefix's certificates count the whole's events up to it and only those, that levels which had
    ended still have, and the strengths that no later bar has added to.

    Args:
        until: close of the prefix's last bar, microseconds since 1970, UTC.
        split_ratio: product of the splits after the prefix, which the whole's prices are divided by.
        since: where a shorter prefix agreed up to; only what is new since is compared then.
    """
    known = [level for level in whole.levels if level.confirmed_at <= until]
    events = [event for event in whole.events if event.closes_at <= until]
    mine, own_events = part.levels, part.events
    if since is not None:
        fresh = [event for event in events if event.closes_at > since]
        own_events = [event for event in own_events if event.closes_at > since]
        changed = {event.level_id for event in (*fresh, *own_events)}
        mine, known = (_changed(levels, changed, since) for levels in (mine, known))
        wanted = {level.level_id for level in known}
        events, counted = fresh, [event for event in events if event.level_id in wanted]
    else:
        counted = events
    ended = {level.level_id for level in mine if level.outcome in _FINAL}
    settled = {level.level_id for level in known if level.strength_bar <= part.last_bar}
    return [
        *_unequal("level", _births(mine, split_ratio), _births(known, 1.0)),
        *_unequal("event", _made(own_events, split_ratio), _made(events, 1.0)),
        *_unequal("certificate", _certificates(mine), _counted(known, counted)),
        *_unequal("outcome", *(_outcomes(levels, ended) for levels in (mine, known))),
        *_unequal("strength", *(_strengths(levels, settled, part.last_bar) for levels in (mine, known))),
    ]


_FINAL = ("replaced", "crowded_out")


def _changed(levels: Iterable[Level], changed: set[str], since: int) -> list[Level]:
    return [level for level in levels if level.confirmed_at > since or level.level_id in changed]


def _outcomes(levels: Iterable[Level], chosen: set[str]) -> dict[Any, Any]:
    return {
        (each.method, each.level_id): ((each.outcome,), 1.0) for each in levels if each.level_id in chosen
    }


def _strengths(levels: Iterable[Level], chosen: set[str], bar: int) -> dict[Any, Any]:
    return {
        (each.method, each.level_id): ((), each.strength_at(bar))
        for each in levels
        if each.level_id in chosen
    }


def _births(levels: Iterable[Level], ratio: float) -> dict[Any, Any]:
    return {
        (level.method, level.level_id): (
            (level.kind_at_birth, level.formed_at, level.confirmed_at, level.name),
            level.price / ratio,
        )
        for level in levels
    }


def _made(events: Iterable[Event], ratio: float) -> dict[Any, Any]:
    return {
        (each.method, each.level_id, each.event, each.ts): (
            (each.kind, each.side, each.closes_at),
            each.price / ratio,
        )
        for each in events
    }


def _certificates(levels: Iterable[Level]) -> dict[Any, Any]:
    return {
        (each.method, each.level_id): (
            (each.kind, each.touches, each.last_touch_at, each.role_flips, each.broken_at),
            1.0,
        )
        for each in levels
    }


def _counted(levels: Iterable[Level], events: Iterable[Event]) -> dict[Any, Any]:
    """Return certificates as the events alone give them."""
    own: dict[str, list[Event]] = {}
    for event in events:
        own.setdefault(event.level_id, []).append(event)
    return {(each.method, each.level_id): (_count(each, own.get(each.level_id, [])), 1.0) for each in levels}


def _count(level: Level, events: list[Event]) -> tuple[Any, ...]:
    touches = [event.closes_at for event in events if event.event in ("touch", "retest")]
    flips = sum(event.event == "role_flip" for event in events)
    turns = [event for event in events if event.event in ("break", "role_flip")]
    broken_at = turns[-1].closes_at if turns and turns[-1].event == "break" else None
    kind = level.kind_at_birth if flips % 2 == 0 else OTHER[level.kind_at_birth]
    return kind, len(touches), touches[-1] if touches else None, flips, broken_at


def _unequal(what: str, part: dict[Any, Any], whole: dict[Any, Any]) -> Iterator[Disagreement]:
    for key in {**part, **whole}:
        mine, theirs = part.get(key), whole.get(key)
        if mine is None or theirs is None or not _agree(mine, theirs):
            yield Disagreement(key[0], what, key[1:], mine, theirs)


def _agree(one: tuple[Any, float], other: tuple[Any, float]) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) <= TOLERANCE * abs(other[1])
