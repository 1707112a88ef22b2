"""What every method of finding levels looks like: it is told of each bar, and proposes levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, NamedTuple, Self

from lake.features.indicator import TOLERANCE
from lake.levels.level import Birth, Kind
from lake.levels.settings import LEVELS
from lake.market.timeframes import kind_of

TOUCH_ATR = LEVELS.events.touch_atr
"""Half the width of a level's band, in `atr_14`."""


class Bar(NamedTuple):
    """One complete bar on the split basis.

    `ts` and `closes_at` are microseconds since 1970, UTC; `session` the date of its last session
    in days since 1970; `atr` its `atr_14`, NaN while that warms up.
    """

    ts: int
    closes_at: int
    session: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    atr: float

    @property
    def tolerance(self) -> float:
        """Return how near a price has to come to be at a level; NaN while `atr_14` warms up."""
        return TOUCH_ATR * self.atr


class Swing(NamedTuple):
    """A turning point: a swing low is a support, a swing high a resistance. `bar` is its number."""

    kind: Kind
    price: float
    formed_at: int
    bar: int


@dataclass(slots=True)
class Method:
    """One way of finding levels in one symbol's bars of one timeframe.

    A custom method is a module in lake/levels/methods with one subclass, a slotted dataclass with
    a `method` of its own. Its fields are its state, and hold nothing but what JSON can (numbers,
    texts, lists, None), so that a session can be stored and taken up again in the middle.
    """

    method: ClassVar[str] = ""
    timeframe: str

    def opens(self, ts: int, session: int) -> Sequence[Birth]:
        """Return the levels known when a bar starts; they count on that bar already."""
        return ()

    def closes(self, bar: Bar, swings: Sequence[Swing]) -> Sequence[Birth]:
        """Return the levels known when a bar has closed; they count from the next bar on.

        `swings` are those that this bar's close confirmed.
        """
        return ()

    def ended(self, price: float) -> None:
        """Take note that a level of this method at this price will not be in force again."""

    def rescale(self, ratio: float) -> None:
        """Bring prices in the state to the terms after a split: divided by its ratio."""

    def state(self) -> dict[str, Any]:
        """Return everything that the method remembers."""
        return asdict(self)

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Return the method that `state` was taken from."""
        return cls(**state)


def without(prices: list[float], price: float) -> list[float]:
    """Return the prices that are not equal to one, within 1e-9 of it."""
    return [other for other in prices if abs(other - price) > TOLERANCE * price]


def week_of(session: int) -> int:
    """Return the number of a session's week, which starts on Monday; 1970-01-01 was a Thursday."""
    return (session + 3) // 7


def is_longer_than_daily(timeframe: str) -> bool:
    """Return whether a bar spans several sessions."""
    return kind_of(timeframe) in ("weekly", "n_day")
