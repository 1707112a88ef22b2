"""A finding: one definition that says something else of a bar once later bars are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["bars", "column", "level method", "rule"]

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and on which cut of which history: `cut` is the close of the last bar that was kept.

    `where` says what differs, `alone` what it is by the bars up to the cut, `later` with later ones.
    """

    kind: Kind
    name: str
    symbol: str
    timeframe: str
    cut: np.datetime64
    where: str
    alone: str
    later: str

    def __str__(self) -> str:
        own = "their" if self.kind == "bars" else "its"
        what = f"{self.name} bars" if self.kind == "bars" else f"{self.kind} {self.name}"
        return (
            f"expected {what} to use no bar after {own} own, found {self.symbol} {self.timeframe}, cut after "
            f"{moment(self.cut)}: {self.where} is {self.alone} by the bars up to there, {self.later} with "
            f"later bars there; correct the {self.kind}"
        )


def number(value: float) -> str:
    """Return a value as text; a NaN is missing."""
    return MISSING if value != value else f"{value:.12g}"


def moment(when: np.datetime64) -> str:
    """Return a time in UTC as text."""
    return f"{when.astype('datetime64[s]')}Z"
