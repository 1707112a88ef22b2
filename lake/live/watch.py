"""One timeframe, all symbols: closed bars in, alerts out, corrections taken back to their session's start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from lake.alerts.alert import Alert
from lake.alerts.detect import raised
from lake.alerts.scene import Scene, prepared
from lake.levels.batch import bars_of
from lake.levels.level import Event
from lake.levels.live import LiveLevels
from lake.levels.method import Bar
from lake.levels.registry import methods
from lake.live.carried import Carried
from lake.live.elsewhere import Heard
from lake.live.history import last_session
from lake.live.session import News, Session, turns
from lake.live.sight import Sight
from lake.market.adjust import adjusted, split_factor
from lake.market.aggregate import micros
from lake.market.bars import VALUES, Actions, Bars, Bools
from lake.market.candles import candles_of
from lake.market.suspect_bars import splits_between
from lake.rules.memory import Memory, remember
from lake.rules.rule import LEVEL_COLUMN, Rule, methods_of


class Watch:
    """The rules of one timeframe over every symbol's bars, as they close.

    `heard` is what other timeframes say, by these: at least those that the rules ask.
    """

    def __init__(
        self,
        timeframe: str,
        rules: Sequence[Rule],
        session_bars: int,
        heard: Mapping[str, Heard] | None = None,
    ) -> None:
        self.timeframe, self.rules = timeframe, prepared(rules)
        self._sight = Sight(timeframe, rules, session_bars, heard or {})
        self._versions = [each.version for each in self.rules]
        self._memory, self._base = (Memory.start(0, len(rules)) for _ in range(2))
        self._early = [number for number, rule in enumerate(rules) if rule.is_provisional]
        self._peeks_at_levels = any(rules[number].levels is not None for number in self._early)
        self._methods = {name: methods()[name] for name in methods_of(rules)}
        self._symbols: list[str] = []
        self._numbers: dict[str, int] = {}
        self._actions: list[Actions] = []
        self._sessions: list[Session] = []

    def add(self, symbol: str, actions: Actions) -> int:
        """Enter a symbol that has no bars yet and return the number of its series."""
        self._numbers[symbol] = len(self._symbols)
        self._actions.append(actions)
        self._sight.add()
        self._memory, self._base = self._memory.grown(1), self._base.grown(1)
        self._symbols.append(symbol)
        levels = LiveLevels(symbol, self.timeframe, self._methods) if self._methods else None
        self._sessions.append(Session(levels=levels))
        return len(self._symbols) - 1

    def restore(self, series: int, bars: Bars, now: datetime, carried: Carried | None = None) -> None:
        """Bring a series to what it was after all its landed bars; their alerts are known, not news.

        With what it `carried` from before, bars need to be those of `needs_of` only.
        """
        earlier, last = last_session(bars)
        if len(earlier):
            self._remember(series, earlier, carried)
        times = zip(*(micros(moments).tolist() for moments in (last.ts, last.closes_at)), strict=True)
        days = last.session.astype("datetime64[D]").astype(np.int64).tolist()
        self.take(
            [
                News(series, candle, ends, day, False)
                for candle, (_, ends), day in zip(candles_of(last), times, days, strict=True)
            ],
            now,
        )

    def carried(self, series: int) -> Carried | None:
        """Return what a series carries into its current session; None where it has nothing to carry.

        That is so before its second session, and where a split lies between: the terms are others then.
        """
        session = self._sessions[series]
        if session.carries is None:
            return None
        return Carried(
            session.carries,
            int(self._base.clean[series]),
            float(self._base.first_close[series]),
            bool(self._base.has_moved[series]),
            dict(zip(self._versions, self._base.cases[series].tolist(), strict=True)),
            self._sight.sums_before(series),
            session.before,
        )

    def _remember(self, series: int, bars: Bars, carried: Carried | None) -> None:
        """Take in the bars of earlier sessions at once."""
        actions = self._actions[series].up_to(bars.session[-1])
        split_bars, later_splits = adjusted(bars, actions, "split"), split_factor(bars.session, actions)
        session = self._sessions[series]
        news: Bools = np.ones(len(bars), dtype=np.bool_)
        if carried is not None:
            news = bars.session > np.datetime64(carried.session, "D")
            self._memory.clean[series] = carried.clean
            self._memory.first_close[series] = carried.first_close
            self._memory.has_moved[series] = carried.has_moved
            self._memory.cases[series] = [carried.cases[version] for version in self._versions]
            session.levels = carried.levels
        rows = self._sight.remember(series, split_bars, later_splits, carried)
        remember([each.rule for each in self.rules], replace(rows, is_new=news), self._memory)
        session.day = int(bars.session[-1].astype("datetime64[D]").astype(np.int64))
        if session.levels is not None:
            for bar in bars_of(split_bars[news], rows.frame.values[LEVEL_COLUMN][news]):
                session.levels.push(bar)

    def again(self, series: int, after: int) -> News | None:
        """Return the correction that has a session judged anew, if it has a bar that closes after a moment.

        For answers of another timeframe that were not known when its bars were judged.
        """
        session = self._sessions[series]
        newest = session.bars.get(session.newest)
        return newest._replace(is_correction=True) if newest and newest.closes_at > after else None

    @property
    def peeks(self) -> bool:
        """Return whether a rule allows alerts of bars that are forming."""
        return bool(self._early)

    def expect(self, series: int, alerts: Sequence[Alert]) -> None:
        """Let a series know of alerts that wait for the close of their bar; those of older bars do not."""
        for alert in alerts:
            self._sessions[series].expect(alert)

    def peek(self, news: Sequence[News], now: datetime) -> list[Alert]:
        """Return the provisional alerts of forming bars, one a series, that were not raised before.

        What is remembered of the series stays as it was. What has stopped firing stays provisional: the
        close of the bar decides.
        """
        rows = []
        for each in sorted(news, key=lambda item: item.series):
            day = self._sessions[each.series].day
            if day is None or each.session > day:
                self._begin(each)
            if each.candle.ts > self._sessions[each.series].newest:
                rows.append(each)
        found = self._peeked(rows, now) if rows else []
        return [alert for alert in found if self._session_of(alert).expect(alert)]

    def _peeked(self, rows: list[News], now: datetime) -> list[Alert]:
        sessions, memory = [self._sessions[row.series] for row in rows], self._memory
        levels = [session.levels for session in sessions]
        if self._peeks_at_levels:
            for session in sessions:
                session.levels = session.levels.copied() if session.levels is not None else None
        cases = memory.cases[:, self._early]
        own = Memory(memory.clean.copy(), memory.first_close.copy(), memory.has_moved.copy(), cases)
        rules = [self.rules[number] for number in self._early]
        with self._sight.unmoved(np.array([row.series for row in rows], dtype=np.int64)):
            found = raised(rules, self._scene_of(rows, self._peeks_at_levels), own, "stream", now)
        for session, each in zip(sessions, levels, strict=True):
            session.levels = each
        bars = {self._symbols[row.series]: dict(zip(VALUES, row.candle[2:7], strict=True)) for row in rows}
        return [alert.on_forming(bars[alert.symbol]) for alert in found]

    def take(self, news: Sequence[News], now: datetime) -> list[Alert]:
        """Return the alerts of bars, oldest first for each series."""
        alerts: list[Alert] = []
        for turn in turns(news):
            alerts += self._evaluate(turn, now)
        return alerts

    def _evaluate(self, turn: list[News], now: datetime) -> list[Alert]:
        """Take in bars, at most one correction a series, and return what that raises or takes back."""
        rows: list[News] = []
        corrected: set[int] = set()
        for each in sorted(turn, key=lambda item: item.series):  # stable: each series' bars keep their order
            session = self._sessions[each.series]
            if each.session != session.day:
                self._begin(each)
                session = self._sessions[each.series]
            if session.enter(each):
                corrected.add(each.series)
                self._rewind(each.series)
                rows = [row for row in rows if row.series != each.series]
                rows += session.in_order()
            else:
                rows.append(each)
        found = self._raised(rows, now)
        return [*self._not_confirmed(rows, found, now), *self._news(found, corrected, now)]

    def _not_confirmed(self, rows: list[News], found: list[Alert], now: datetime) -> Iterator[Alert]:
        """Yield as invalidated what was provisional and does not fire on its bar, which has closed."""
        for row in rows:
            if waiting := self._sessions[row.series].due(row):
                firing = {alert.alert_id for alert in found}
                yield from (
                    each.invalidated("stream", now) for each in waiting if each.alert_id not in firing
                )

    def _begin(self, first: News) -> None:
        """Start a session of a series, in its terms, and keep what to go back to."""
        series, session = first.series, self._sessions[first.series]
        carries = session.day
        if session.day is not None and len(self._actions[series].split_dates):
            carries = session.day if self._rescale(series, session.day, first.session) == 1.0 else None
        self._sight.begin(series)
        self._base.put(np.array([series]), self._memory)
        self._sessions[series] = session.next(first.session, carries)

    def _rescale(self, series: int, before: int, day: int) -> float:
        """Bring what a series remembers to the terms after the splits since the session before."""
        after, until = (np.array([each], dtype="datetime64[D]") for each in (before, day))
        ratio = float(splits_between(after, until, self._actions[series])[0])
        if ratio == 1.0:
            return ratio
        self._sight.rescale(series, ratio)
        self._memory.rescale(series, ratio)
        if (levels := self._sessions[series].levels) is not None:
            levels.rescale(ratio)
        return ratio

    def _rewind(self, series: int) -> None:
        """Bring a series back to the start of its session."""
        session = self._sessions[series]
        self._sight.rewind(series)
        self._memory.put(np.array([series]), self._base)
        session.levels = session.before.copied() if session.before is not None else None

    def _raised(self, rows: list[News], now: datetime) -> list[Alert]:
        """Return the alerts of new bars, which stand by series, oldest first."""
        return raised(self.rules, self._scene_of(rows), self._memory, "stream", now)

    def _scene_of(self, rows: list[News], with_levels: bool = True) -> Scene:
        """Take in new bars, which stand by series, and return them as rules see them."""
        events: list[tuple[int, Event]] = []
        scene = Scene(self.timeframe, self._symbols, *self._sight.take(rows), events)
        if self._methods and with_levels:
            events += self._push_levels(rows, scene)
        return scene

    def _push_levels(self, rows: list[News], scene: Scene) -> Iterator[tuple[int, Event]]:
        """Move the levels on by the new bars, and yield the events with their rows."""
        places = np.flatnonzero(scene.rows.is_new)
        tolerances = scene.rows.frame.values[LEVEL_COLUMN][places].tolist()
        for row, place, atr in zip(rows, places.tolist(), tolerances, strict=True):
            bar = Bar(row.candle.ts, row.closes_at, row.session, *row.candle[2:7], atr)
            levels = self._sessions[row.series].levels
            assert levels is not None
            yield from ((place, event) for event in levels.push(bar).events)

    def _news(self, found: list[Alert], corrected: set[int], now: datetime) -> list[Alert]:
        """Return what was not known: alerts of new bars, and what corrections changed or took back."""
        news: list[Alert] = []
        anew: dict[int, list[Alert]] = {series: [] for series in sorted(corrected)}
        for alert in found:
            series = self._numbers[alert.symbol]
            if series in corrected:
                anew[series].append(alert)
            else:
                self._sessions[series].alerts[alert.alert_id] = alert
                news.append(alert)
        for series, own in anew.items():
            news += self._sessions[series].said_anew(own, now)
        return news

    def _session_of(self, alert: Alert) -> Session:
        return self._sessions[self._numbers[alert.symbol]]
