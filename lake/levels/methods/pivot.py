"""Pivot: classic floor pivots of the previous complete session and week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lake.levels.level import Birth, Kind, kind_by_close
from lake.levels.method import Bar, Method, Swing, week_of
from lake.market.timeframes import kind_of


@dataclass(slots=True)
class Period:
    """Range and last close of the session or week under way."""

    number: int
    high: float
    low: float
    close: float
    last_ts: int


@dataclass(slots=True)
class Pivot(Method):
    """P, R1 to R3, S1 to S3 of the last session, and `week_P` … of the last week.

    A period is complete when a bar of the next one starts: from there its levels count, until the
    next period's replace them. R are resistances, S supports; P is a support if the period closed
    at or above it, else a resistance. A period has to be longer than a bar: daily bars have
    weekly pivots alone (those of a session would live for one bar, and be nearest on it), longer
    bars none. The first period of a history counts as it is.
    """

    method: ClassVar[str] = "pivot"

    session: Period | None = None
    week: Period | None = None

    def __post_init__(self) -> None:
        """Take up periods that come as JSON gave them back."""
        self.session = Period(**self.session) if isinstance(self.session, dict) else self.session
        self.week = Period(**self.week) if isinstance(self.week, dict) else self.week

    def opens(self, ts: int, session: int) -> Sequence[Birth]:
        """Return the pivots of the periods that the start of this bar ends."""
        births: list[Birth] = []
        if self.session is not None and self.session.number != session:
            births += _pivots(self.session, "session", "")
            self.session = None
        if self.week is not None and self.week.number != week_of(session):
            births += _pivots(self.week, "week", "week_")
            self.week = None
        return births

    def closes(self, bar: Bar, swings: Sequence[Swing]) -> Sequence[Birth]:
        """Add the bar to the periods under way."""
        kind = kind_of(self.timeframe)
        if kind == "intraday":
            self.session = _extended(self.session, bar.session, bar)
        if kind in ("intraday", "daily"):
            self.week = _extended(self.week, week_of(bar.session), bar)
        return ()

    def rescale(self, ratio: float) -> None:
        """Bring the periods under way to the terms after a split."""
        for period in (self.session, self.week):
            if period is not None:
                period.high, period.low, period.close = (
                    period.high / ratio,
                    period.low / ratio,
                    period.close / ratio,
                )


def _extended(period: Period | None, number: int, bar: Bar) -> Period:
    if period is None:
        return Period(number, bar.high, bar.low, bar.close, bar.ts)
    if bar.high > period.high:
        period.high = bar.high
    if bar.low < period.low:
        period.low = bar.low
    period.close, period.last_ts = bar.close, bar.ts
    return period


def _pivots(period: Period, group: str, prefix: str) -> list[Birth]:
    """Return the seven pivots of a period, those at or below zero left out."""
    high, low, close = period.high, period.low, period.close
    middle = (high + low + close) / 3
    found: list[tuple[str, Kind, float]] = [
        ("P", kind_by_close(middle, close), middle),
        ("R1", "resistance", 2 * middle - low),
        ("R2", "resistance", middle + (high - low)),
        ("R3", "resistance", high + 2 * (middle - low)),
        ("S1", "support", 2 * middle - high),
        ("S2", "support", middle - (high - low)),
        ("S3", "support", low - 2 * (high - middle)),
    ]
    return [
        Birth(kind, price, period.last_ts, prefix + name, group) for name, kind, price in found if price > 0
    ]
