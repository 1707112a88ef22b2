"""What a level is: its certificate, its identity, and the events at it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Literal, NamedTuple

from lake.features.indicator import TOLERANCE
from lake.levels.settings import LEVELS

Kind = Literal["support", "resistance"]
EventName = Literal["touch", "bounce", "break", "retest", "role_flip"]
Side = Literal["bullish", "bearish", "neutral"]
Outcome = Literal["active", "broken", "replaced", "crowded_out"]
"""`active`: in force; `broken`: closed beyond, and not in force again; `replaced`: the next
session's, week's or leg's came; `crowded_out`: 50 newer ones of its kind came."""

OTHER: dict[Kind, Kind] = {"support": "resistance", "resistance": "support"}

HALF_LIFE_BARS = LEVELS.events.half_life_bars
"""After so many bars a touch counts half in a level's strength."""

_EPOCH = datetime(1970, 1, 1)  # without a zone, since isoformat would add it


class Birth(NamedTuple):
    """A level as its method proposes it; the tracker stamps `confirmed_at`.

    `formed_at` is the start of the bar that completed its shape (microseconds since 1970, UTC).
    `name` sets it apart from the method's other levels of one kind and bar. Levels of a `group`
    live until the method brings the group's next ones; those without one until they break.
    `strength` is what it starts with.
    """

    kind: Kind
    price: float
    formed_at: int
    name: str
    group: str = ""
    strength: float = 0.0


@dataclass(slots=True, eq=False)
class Level:
    """One level with the history of its events up to the last bar pushed.

    Times are microseconds since 1970, UTC. `last_touch_at` and `broken_at` are the closes of the
    bars, since an event is known from there; `broken_at` is empty again once the level has
    flipped. `touches` counts touches and retests. `strength` is as of bar number
    `strength_bar`: `strength_at` ages it.
    """

    method: str
    name: str
    kind_at_birth: Kind
    kind: Kind
    price: float
    formed_at: int
    confirmed_at: int
    group: str
    number: int
    strength: float
    strength_bar: int
    touches: int = 0
    last_touch_at: int | None = None
    role_flips: int = 0
    broken_at: int | None = None
    outcome: Outcome = "active"
    touched_bar: int | None = None
    broken_bar: int = -1
    level_id: str = ""

    def strength_at(self, bar: int) -> float:
        """Return the touches so far, each weighing half as much every `HALF_LIFE_BARS` bars."""
        return self.strength * age_weight(bar - self.strength_bar)


_VALUES = attrgetter(*Level.__slots__)


def copied(level: Level) -> Level:
    """Return a level of its own that says the same."""
    return Level(*_VALUES(level))


class Event(NamedTuple):
    """What one bar did at one level, known from the bar's `closes_at`.

    `kind` is the level's role before the event, `side` what the event speaks for, `price` the
    level's price on the basis of the bars pushed, `confirmed_at` when it became known. Times as in
    `Level`.
    """

    level_id: str
    event: EventName
    kind: Kind
    side: Side
    method: str
    price: float
    ts: int
    closes_at: int
    confirmed_at: int


def age_weight(bars: int) -> float:
    """Return the weight of a touch that is `bars` bars old."""
    return float(0.5 ** (bars / HALF_LIFE_BARS))


def level_id(method: str, kind: Kind, symbol: str, timeframe: str, formed_at: int, name: str) -> str:
    """Return the id of a level: every repeat of any step gives the same.

    Args:
        kind: its kind at birth.
        formed_at: microseconds since 1970, UTC.
        name: its name within the method, such as `R1` or `61.8`; no price, which a split changes.
    """
    fields = (method, kind, symbol, timeframe, _seconds(formed_at), name)
    return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


@lru_cache(maxsize=64)
def _seconds(moment: int) -> str:
    return f"{(_EPOCH + timedelta(microseconds=moment)).isoformat(timespec='seconds')}Z"


def kind_by_close(price: float, close: float) -> Kind:
    """Return support for a level at or below the close, resistance above it."""
    return "support" if price <= close * (1 + TOLERANCE) else "resistance"


def side_of(event: EventName, kind: Kind) -> Side:
    """Return what an event at a level of a kind speaks for."""
    if event in ("touch", "retest"):
        return "neutral"
    holds = event == "bounce"
    return "bullish" if holds == (kind == "support") else "bearish"
