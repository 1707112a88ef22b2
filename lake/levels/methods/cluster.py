"""Cluster: swings at one price are a zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from lake.features.indicator import TOLERANCE
from lake.levels.level import Birth, age_weight, kind_by_close
from lake.levels.method import Bar, Method, Swing, without
from lake.levels.settings import LEVELS

REMEMBERED = LEVELS.cluster.remembered
"""Swings that wait for a second one, and zones that swings can join; the oldest are forgotten."""


@dataclass(slots=True)
class Cluster(Method):
    """Zones of swings, lows and highs alike, within 0.25 `atr_14` of each other.

    Two swings that near each other make a zone at their mean, formed by the later and confirmed
    with it, a support if the confirming bar closed at or above it. A later swing that near to a
    zone in force belongs to it and makes no other; the zone's price stays. Its strength starts with both
    swings as touches, weighed by their age, and every touch adds to it.
    """

    method: ClassVar[str] = "cluster"

    waiting: list[list[float]] = field(default_factory=list)
    """Bar number and price of swings that are in no zone."""
    zones: list[float] = field(default_factory=list)

    def closes(self, bar: Bar, swings: Sequence[Swing]) -> Sequence[Birth]:
        """Return the zones that swings confirmed by this bar's close complete."""
        births = []
        for swing in swings:
            birth = self._merged(swing, bar)
            if birth is not None:
                births.append(birth)
        return births

    def _merged(self, swing: Swing, bar: Bar) -> Birth | None:
        near = (
            LEVELS.cluster.within_atr * bar.atr + TOLERANCE * bar.close
        )  # NaN while atr_14 warms up: nothing is near
        if any(abs(zone - swing.price) <= near for zone in self.zones):
            return None
        partners = [other for other in self.waiting if abs(other[1] - swing.price) <= near]
        if not partners:
            self.waiting = [*self.waiting[1 - REMEMBERED :], [swing.bar, swing.price]]
            return None
        partner = partners[-1]
        price = (partner[1] + swing.price) / 2
        self.waiting = [other for other in self.waiting if other is not partner]
        self.zones = [*self.zones[1 - REMEMBERED :], price]
        # The confirming bar is two bars after the swing.
        now = swing.bar + 2
        strength = age_weight(int(now - partner[0])) + age_weight(now - swing.bar)
        name = "low" if swing.kind == "support" else "high"
        kind = kind_by_close(price, bar.close)
        return Birth(kind, price, swing.formed_at, name, strength=strength)

    def ended(self, price: float) -> None:
        """Forget a zone that is no more: swings there may make another."""
        self.zones = without(self.zones, price)

    def rescale(self, ratio: float) -> None:
        """Bring swings and zones to the terms after a split."""
        self.waiting = [[bar, price / ratio] for bar, price in self.waiting]
        self.zones = [price / ratio for price in self.zones]
