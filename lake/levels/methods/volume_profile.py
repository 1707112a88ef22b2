"""Volume profile: prices at which most was traded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from lake.features.indicator import TOLERANCE
from lake.levels.level import Birth, kind_by_close
from lake.levels.method import Bar, Method, Swing, is_longer_than_daily, week_of, without
from lake.levels.settings import LEVELS
from lake.market.bars import Floats
from lake.market.timeframes import kind_of

WINDOW_BARS, BINS = LEVELS.volume_profile.window_bars, LEVELS.volume_profile.bins
BESIDE = LEVELS.volume_profile.beside
"""Bins on either side that a node has to exceed."""
MEANS = LEVELS.volume_profile.means
"""A node holds at least so many times the mean bin's volume."""


@dataclass(slots=True)
class VolumeProfile(Method):
    """High-volume nodes of the last 120 bars.

    The window's range is cut into 50 bins; a bar's volume is spread evenly over its range. A node
    is a bin with at least 1.5 times the mean volume and no less than the two bins on either side;
    its level is the bin's middle. The profile is taken when a new session starts (daily bars:
    week; longer: month), from the bars before: there its nodes are confirmed, and count on that
    bar already. A node within 0.25 `atr_14` of one of the profile before is the same node. A
    level is a support if the last close was at or above it, and lives until it breaks.
    """

    method: ClassVar[str] = "volume_profile"

    period: int | None = None
    last_ts: int = 0
    close: float = 0.0
    near: float = 0.0
    highs: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    volumes: list[float] = field(default_factory=list)
    nodes: list[float] = field(default_factory=list)

    def opens(self, ts: int, session: int) -> Sequence[Birth]:
        """Return the nodes of the window before, where this bar starts a new period."""
        period = self._period(session)
        if period == self.period:
            return ()
        self.period = period
        if len(self.highs) < WINDOW_BARS:
            return ()
        births, nodes = [], []
        for number, price in self._found():
            known = [node for node in self.nodes if abs(node - price) <= self.near]
            nodes.append(known[0] if known else price)
            if not known:
                kind = kind_by_close(price, self.close)
                births.append(Birth(kind, price, self.last_ts, str(number)))
        self.nodes = nodes
        return births

    def closes(self, bar: Bar, swings: Sequence[Swing]) -> Sequence[Birth]:
        """Move the window on by one bar."""
        self.last_ts, self.close = bar.ts, bar.close
        self.near = bar.tolerance + TOLERANCE * bar.close if bar.atr == bar.atr else 0.0
        for values, value in ((self.highs, bar.high), (self.lows, bar.low), (self.volumes, bar.volume)):
            values.append(value)
            if len(values) > WINDOW_BARS:
                del values[0]
        return ()

    def ended(self, price: float) -> None:
        """Forget a node that is no more: the next profile may have it anew."""
        self.nodes = without(self.nodes, price)

    def rescale(self, ratio: float) -> None:
        """Bring the window and the nodes to the terms after a split."""
        self.close, self.near = self.close / ratio, self.near / ratio
        self.highs = [price / ratio for price in self.highs]
        self.lows = [price / ratio for price in self.lows]
        self.volumes = [volume * ratio for volume in self.volumes]
        self.nodes = [price / ratio for price in self.nodes]

    def _period(self, session: int) -> int:
        if kind_of(self.timeframe) == "intraday":
            return session
        if is_longer_than_daily(self.timeframe):
            return int(np.datetime64(session, "D").astype("datetime64[M]").astype(np.int64))
        return week_of(session)

    def _found(self) -> list[tuple[int, float]]:
        """Return the bins that are nodes, by number and middle price."""
        high, low, volumes = np.array([self.highs, self.lows, self.volumes])
        bottom, top = min(self.lows), max(self.highs)
        edges: Floats = bottom + (top - bottom) / BINS * np.arange(BINS + 1, dtype=np.float64)
        volume = profile(high, low, volumes, edges)
        return [(number, float(edges[number] + edges[number + 1]) / 2) for number in peaks(volume)]


def profile(high: Floats, low: Floats, volume: Floats, edges: Floats) -> Floats:
    """Return the volume between each two edges, every bar's spread evenly over its range.

    A bar without range counts in the bin it lies in.
    """
    least = 1e-6 * (edges[-1] - edges[0])
    width = np.maximum(high - low, least)
    if not least > 0:
        return np.zeros(len(edges) - 1)
    share = (edges[:, None] - low) / width
    np.maximum(share, 0.0, out=share)
    np.minimum(share, 1.0, out=share)
    share[-1] = 1.0
    found: Floats = np.diff(share @ volume)
    return found


def peaks(volume: Floats) -> list[int]:
    """Return the bins that exceed their mean and their neighbours; of equal neighbours the first."""
    bins = volume.tolist()
    mean = sum(bins) / len(bins)
    slack = TOLERANCE * mean
    return [
        number
        for number, here in enumerate(bins)
        if here >= MEANS * mean - slack
        and here > max(bins[max(number - BESIDE, 0) : number], default=0.0) + slack
        and here >= max(bins[number + 1 : number + 1 + BESIDE], default=0.0) - slack
    ]
