"""What a training set is made from: the request, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lake.errors import BadInput
from lake.market.timeframes import parse_timeframe
from lake.training.splits import FRACTIONS

HORIZONS = (1, 5, 20)
LONGEST_HORIZON = 1_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """Timeframe, horizons in bars, first and last session of rows, and how time is divided.

    `embargo_bars` distinct bar times lie between the end of a split's last label and the next split.
    """

    timeframe: str
    horizons: tuple[int, ...]
    start: date | None
    end: date | None
    fractions: tuple[float, ...]
    embargo_bars: int

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as JSON values; equal recipes give equal JSON."""
        return {
            "timeframe": self.timeframe,
            "horizons": list(self.horizons),
            "start": self.start.isoformat() if self.start else None,
            "end": self.end.isoformat() if self.end else None,
            "fractions": list(self.fractions),
            "embargo_bars": self.embargo_bars,
        }


def recipe_of(
    timeframe: str = "1d",
    horizons: Sequence[int] = HORIZONS,
    start: date | None = None,
    end: date | None = None,
    fractions: Sequence[float] = FRACTIONS,
) -> Recipe:
    """Return the recipe of a request; its embargo is the longest label's span, close to last open.

    Raises:
        BadInput: a timeframe that does not exist, reversed dates, or horizons that are no bars.
    """
    if start and end and start > end:
        raise BadInput(f"expected dates in order, found --from {start} after --to {end}; swap them")
    distinct = tuple(sorted(set(horizons)))
    if not distinct or distinct[0] < 1 or distinct[-1] > LONGEST_HORIZON:
        raise BadInput(
            f"expected horizons of 1 to {LONGEST_HORIZON} bars such as 1,5,20, found {tuple(horizons)}"
        )
    return Recipe(parse_timeframe(timeframe), distinct, start, end, tuple(fractions), distinct[-1] + 1)


def recipe_from_json(stored: dict[str, Any]) -> Recipe:
    """Return the recipe that `to_json` gave."""
    start, end = (stored[name] and date.fromisoformat(stored[name]) for name in ("start", "end"))
    return Recipe(
        timeframe=stored["timeframe"],
        horizons=tuple(stored["horizons"]),
        start=start,
        end=end,
        fractions=tuple(stored["fractions"]),
        embargo_bars=stored["embargo_bars"],
    )
