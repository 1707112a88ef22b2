"""What the lake has of one symbol, as the live state is rebuilt from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lake.alerts.alert import Alert
from lake.live.carried import Carried
from lake.market.bars import Actions, Bars
from lake.market.candles import bars_of_candles


def no_bars(symbol: str, timeframe: str) -> Bars:
    """Return no bars."""
    return bars_of_candles(symbol, timeframe, np.datetime64("1970-01-01"), [], [])


@dataclass(frozen=True, slots=True)
class History:
    """Landed bars of one symbol as traded, by timeframe, oldest first.

    `bars` has all that were landed of each timeframe, or with what they `carried` from before them only
    the last ones; `delivered` those of longer timeframes that a
    vendor delivered, of the last sessions; `minutes` the candles of one minute of the last sessions,
    at least as many as suspicion looks back to; `longer` daily and longer bars that rules ask;
    `provisional` the alerts that wait for their bar's close.
    """

    minutes: Bars = field(default_factory=lambda: no_bars("", "1m"))
    delivered: tuple[Bars, ...] = ()
    bars: Mapping[str, Bars] = field(default_factory=dict)
    actions: Actions = field(default_factory=Actions.none)
    carried: Mapping[str, Carried] = field(default_factory=dict)
    longer: tuple[Bars, ...] = ()
    provisional: tuple[Alert, ...] = ()

    @property
    def closed_until(self) -> int:
        """Return when the newest landed bar closed, in microseconds since 1970; 0 if there is none."""
        ends = [
            bars.closes_at[-1] for bars in (self.minutes, *self.delivered, *self.bars.values()) if len(bars)
        ]
        return int(max(ends).astype("datetime64[us]").astype(np.int64)) if ends else 0


def last_session(bars: Bars) -> tuple[Bars, Bars]:
    """Return the bars before the last session, and those of it."""
    if not len(bars):
        return bars, bars
    start = int(np.searchsorted(bars.session, bars.session[-1], side="left"))
    return bars[:start], bars[start:]
