"""One series' current session: its bars, what was said of them, and the levels before and now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from lake.alerts.alert import Alert
from lake.alerts.keep import says_the_same
from lake.levels.live import LiveLevels
from lake.market.candles import Candle

BEFORE_ALL = -(1 << 62)
"""Earlier than any bar, in microseconds since 1970; bars of before 1970 have negative times."""


class News(NamedTuple):
    """A closed bar of a series, or with `is_correction` one that takes another's place or comes late.

    `session` is the date of its session in days since 1970.
    """

    series: int
    candle: Candle
    closes_at: int
    session: int
    is_correction: bool


@dataclass(slots=True)
class Session:
    """The bars of a session by start, its alerts by id, its levels before and now.

    `day` is None before the first bar of a series. `provisional` are alerts of bars that have not
    closed, by id, with the start of the bar. `carries` is the session before, of which what was
    before is the end; None where that is not so.
    """

    day: int | None = None
    carries: int | None = None
    newest: int = BEFORE_ALL
    bars: dict[int, News] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    provisional: dict[str, tuple[int, Alert]] = field(default_factory=dict)
    before: LiveLevels | None = None
    levels: LiveLevels | None = None

    def next(self, day: int, carries: int | None) -> Session:
        """Return the session that comes after this one."""
        return Session(
            day,
            carries=carries,
            provisional=self.provisional,
            before=self.levels.copied() if self.levels is not None else None,
            levels=self.levels,
        )

    def enter(self, news: News) -> bool:
        """Take in a bar and return whether the session has to be judged anew for it."""
        is_late = news.is_correction or news.candle.ts <= self.newest
        self.newest = max(self.newest, news.candle.ts)
        self.bars[news.candle.ts] = news
        return is_late

    def in_order(self) -> list[News]:
        """Return its bars, oldest first."""
        return [self.bars[ts] for ts in sorted(self.bars)]

    def expect(self, alert: Alert) -> bool:
        """Let an alert wait for the close of its bar; return whether it is new and so is the bar."""
        start = round(alert.ts.timestamp() * 1e6)
        if start <= self.newest or alert.alert_id in self.provisional:
            return False
        self.provisional[alert.alert_id] = (start, alert)
        return True

    def due(self, news: News) -> list[Alert]:
        """Take out and return the provisional alerts that the close of a bar decides."""
        keys = [key for key, (start, _) in self.provisional.items() if start <= news.candle.ts]
        return [self.provisional.pop(key)[1] for key in keys]

    def said_anew(self, found: Sequence[Alert], now: datetime) -> list[Alert]:
        """Take in all alerts of the session; return those that say something else, and what is taken back."""
        known, self.alerts = self.alerts, {alert.alert_id: alert for alert in found}
        news = [
            alert
            for alert in found
            if alert.alert_id not in known or not says_the_same(alert, known[alert.alert_id])
        ]
        gone = [alert for key, alert in known.items() if key not in self.alerts]
        return news + [alert.invalidated("stream", now) for alert in gone]


def turns(news: Sequence[News]) -> Iterator[list[News]]:
    """Yield news in turns: in each a series has either one correction, or bars of one session."""
    found: list[list[News]] = []
    state: dict[int, tuple[int, bool, int]] = {}
    for each in news:
        turn, is_closed, day = state.get(each.series, (0, False, each.session))
        if is_closed or ((each.is_correction or day != each.session) and each.series in state):
            turn += 1
        state[each.series] = (turn, each.is_correction, each.session)
        while len(found) <= turn:
            found.append([])
        found[turn].append(each)
    yield from found
