"""The live market: a message's candles in, bars to land and alerts out, for every symbol it was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self

import numpy as np

from lake.alerts.alert import Alert
from lake.live.carried import Carried
from lake.live.context import Context, told_of
from lake.live.elsewhere import Heard, Questions, Told
from lake.live.history import History, no_bars
from lake.live.session import News
from lake.live.suspicion import Suspicion
from lake.live.watch import Watch
from lake.market.aggregate import micros
from lake.market.aggregator import Aggregator
from lake.market.bars import Actions, Bars
from lake.market.buckets import MINUTE
from lake.market.candles import Candle, Change, Difference, candles_of
from lake.market.sessions import Calendar, calendar
from lake.market.timeframes import INTRADAY_MINUTES
from lake.rules.elsewhere import asks_of
from lake.rules.language import Rule, rules_for
from lake.thresholds import Thresholds

GRACE = 10_000_000
"""Microseconds after its end until the clock closes a bar that has no successor yet."""

Symbol = str
Bar = tuple[Symbol, Candle, int]


class Taken(NamedTuple):
    """What candles brought.

    `bars` are to be landed in this order, each with its `closes_at` in microseconds since 1970, UTC;
    `suspicions` say why those of them that are suspect are. `alerts` are confirmed, invalidated by a
    correction, or provisional, of a bar that is forming when the message ends. `differences` is where
    a vendor and the minutes tell a closed bar differently.
    """

    bars: list[Bar]
    alerts: list[Alert]
    differences: list[tuple[Symbol, Difference]]
    suspicions: dict[tuple[Symbol, str, int], str]


class _Listed:
    """One symbol: its sessions, its aggregator, what its candles are judged by, and its number everywhere."""

    __slots__ = ("aggregator", "calendar", "closes", "day", "opens", "series", "suspicions")

    def __init__(self, symbol: str, exchange: Calendar, series: int) -> None:
        self.calendar, self.series = exchange, series
        self.aggregator = Aggregator(symbol, exchange, emits_forming=False)
        self.suspicions: dict[str, Suspicion] = {}
        self.opens, self.closes, self.day = 0, 0, -1


class LiveMarket:
    """Aggregation, suspicion, levels and rules of some symbols. No clock, no input, no output."""

    def __init__(
        self,
        rules: Mapping[str, Rule],
        exchanges: Mapping[Symbol, str],
        limits: Thresholds,
        actions: Mapping[Symbol, Actions] | None = None,
    ) -> None:
        self._limits = limits
        named = {name: own for name in INTRADAY_MINUTES if (own := rules_for(rules, name))}
        asked = asks_of(rule for own in named.values() for rule in own)
        self._contexts = {
            name: Context(name, asked[name], _most_bars(name)) for name in INTRADAY_MINUTES if name in asked
        }
        self._longer = {
            name: Heard(Questions(each), []) for name, each in asked.items() if name not in INTRADAY_MINUTES
        }
        heard = self._longer | {name: each.heard for name, each in self._contexts.items()}
        self._watches = {name: Watch(name, own, _most_bars(name), heard) for name, own in named.items()}
        self._early = {name: watch for name, watch in self._watches.items() if watch.peeks}
        self._asking = {name: tuple(asks_of(own)) for name, own in named.items()}
        self._followed = tuple(dict.fromkeys((*self._contexts, *self._watches)))
        self._listed: dict[Symbol, _Listed] = {}
        self._asked: set[tuple[Symbol, str, int]] = set()
        for symbol, exchange in exchanges.items():
            self.add(symbol, exchange, (actions or {}).get(symbol))

    @classmethod
    def restored(
        cls,
        rules: Mapping[str, Rule],
        exchanges: Mapping[Symbol, str],
        limits: Thresholds,
        histories: Mapping[Symbol, History],
        now: datetime,
    ) -> Self:
        """Return the market that had seen the landed bars of `histories`."""
        market = cls(rules, exchanges, limits, {symbol: each.actions for symbol, each in histories.items()})
        for symbol, history in histories.items():
            market._restore(symbol, history, now)
        return market

    def add(self, symbol: Symbol, exchange: str, actions: Actions | None = None) -> None:
        """Enter a symbol that has no bars yet; one that is entered already stays as it is."""
        if symbol in self._listed:
            return
        own, days, number = actions or Actions.none(), calendar(exchange), len(self._listed)
        for watch in (*self._contexts.values(), *self._watches.values()):
            watch.add(symbol, own)
        for longer in self._longer.values():
            longer.told.append(Told())
        listed = _Listed(symbol, days, number)
        listed.suspicions = {name: Suspicion(name, days, self._limits, own) for name in INTRADAY_MINUTES}
        self._listed[symbol] = listed

    def _restore(self, symbol: Symbol, history: History, now: datetime) -> None:
        listed = self._listed[symbol]
        minutes = history.minutes if len(history.minutes) else no_bars(symbol, "1m")
        listed.aggregator = Aggregator.restored(
            listed.calendar, minutes, history.delivered, history.closed_until, emits_forming=False
        )
        for bars in (minutes, *history.delivered):
            listed.suspicions[bars.timeframe].remember(list(candles_of(bars)))
        self.know(symbol, history.longer, history.actions)
        # What is asked comes first: bars are judged by what was known of it.
        for name, context in self._contexts.items():
            if name in history.bars:
                context.restore(listed.series, history.bars[name], now)
        for name, watch in self._watches.items():
            if name in history.bars:
                watch.restore(listed.series, history.bars[name], now, history.carried.get(name))
            watch.expect(listed.series, [each for each in history.provisional if each.timeframe == name])

    def carried(self, symbol: Symbol) -> dict[str, Carried]:
        """Return by timeframe what a symbol's series carry into their current session."""
        series = self._listed[symbol].series
        found = {name: watch.carried(series) for name, watch in self._watches.items()}
        return {name: each for name, each in found.items() if each is not None}

    def know(self, symbol: Symbol, longer: Sequence[Bars], actions: Actions) -> None:
        """Let rules that ask daily and longer bars see these from the next bar on; others bring none."""
        for bars in longer:
            if bars.timeframe in self._longer and len(bars):
                heard = self._longer[bars.timeframe]
                heard.told[self._listed[symbol].series] = told_of(heard.questions, bars, actions)

    def take(self, candles: Sequence[tuple[Symbol, Candle]], now: datetime) -> Taken:
        """Take in candles in their order; `now` is only stamped on alerts."""
        taken, news = Taken([], [], [], {}), self._no_news()
        for symbol, candle in candles:
            pending, news = news, self._no_news() if self._contexts else news
            listed = self._listed[symbol]
            codes, turned = listed.suspicions[candle.timeframe].judged(candle)
            if codes:
                candle = candle._replace(is_suspect=True)
                taken.suspicions[symbol, candle.timeframe, candle.ts] = codes
            self._push(symbol, listed, candle, taken, news)
            for each in turned:
                self._push(symbol, listed, each, taken, news)
            if news is not pending:
                news = self._together(pending, news, taken, now)
        self._raise(taken, news, now)
        if self._early:
            taken.alerts.extend(self._peek(dict.fromkeys(symbol for symbol, _ in candles), now))
        return taken

    def _peek(self, symbols: Iterable[Symbol], now: datetime) -> Iterator[Alert]:
        """Yield what the bars that are forming raise so far, where a rule allows it."""
        for timeframe, watch in self._early.items():
            news = []
            for listed in (self._listed[symbol] for symbol in symbols):
                if found := listed.aggregator.forming(timeframe):
                    bar, ends = found
                    news.append(
                        News(listed.series, bar, ends, _session_of(listed.calendar, bar.ts)[2], False)
                    )
            yield from watch.peek(news, now)

    def close(self, symbol: Symbol, timeframe: str, ts: int, now: datetime) -> Taken:
        """Obey the clock: the symbol's bar of `timeframe` that starts at `ts` has closed."""
        taken, news = Taken([], [], [], {}), self._no_news()
        listed = self._listed[symbol]
        pushed = listed.aggregator.close(timeframe, ts)
        self._changed(symbol, listed, pushed.changes, taken, news)
        taken.differences.extend((symbol, each) for each in pushed.differences)
        self._raise(taken, news, now)
        return taken

    def due(self, now_us: int) -> list[tuple[Symbol, str, int]]:
        """Return bars that ended `GRACE` before an event time and have not closed, each only once."""
        asked = self._asked
        self._asked = set()
        found = []
        for symbol, listed in self._listed.items():
            due = listed.aggregator.overdue(now_us - GRACE)
            if due is not None:
                self._asked.add((symbol, *due))
                if (symbol, *due) not in asked:
                    found.append((symbol, *due))
        return found

    def _push(
        self, symbol: Symbol, listed: _Listed, candle: Candle, taken: Taken, news: dict[str, list[News]]
    ) -> None:
        pushed = listed.aggregator.push(candle)
        if not listed.opens <= candle.ts < listed.closes and pushed.outcome in ("new", "correction"):
            listed.opens, listed.closes, listed.day = _session_of(listed.calendar, candle.ts)
        if pushed.changes:
            self._changed(symbol, listed, pushed.changes, taken, news)
        if pushed.differences:
            taken.differences.extend((symbol, each) for each in pushed.differences)
        if not candle.is_closed:
            return
        if pushed.outcome == "earlier_session":
            _, closes, _ = _session_of(listed.calendar, candle.ts)
            length = INTRADAY_MINUTES[candle.timeframe] * MINUTE
            taken.bars.append((symbol, candle, min(candle.ts + length, closes)))
        elif candle.timeframe == "1m" and pushed.outcome in ("new", "correction"):
            ends = min(candle.ts + MINUTE, listed.closes)
            taken.bars.append((symbol, candle, ends))
            if "1m" in news:
                is_correction = pushed.outcome == "correction"
                news["1m"].append(News(listed.series, candle, ends, listed.day, is_correction))

    def _changed(
        self,
        symbol: Symbol,
        listed: _Listed,
        changes: Sequence[Change],
        taken: Taken,
        news: dict[str, list[News]],
    ) -> None:
        for change in changes:
            bar, ends = change.bar, change.closes_at
            taken.bars.append((symbol, bar, ends))
            if bar.timeframe in news:
                inside = listed.opens <= bar.ts < listed.closes
                day = listed.day if inside else _session_of(listed.calendar, bar.ts)[2]
                is_correction = change.status == "corrected"
                news[bar.timeframe].append(News(listed.series, bar, ends, day, is_correction))

    def _raise(self, taken: Taken, news: dict[str, list[News]], now: datetime) -> None:
        heard = {name: each.hear(news[name], now) for name, each in self._contexts.items() if news[name]}
        for timeframe, watch in self._watches.items():
            since: dict[int, int] = {}
            for asked in self._asking[timeframe]:
                for series, moment in heard.get(asked, {}).items():
                    since[series] = min(moment, since.get(series, moment))
            again = (watch.again(series, moment) for series, moment in since.items())
            if own := [*filter(None, again), *news[timeframe]]:
                taken.alerts.extend(watch.take(own, now))

    def _together(
        self, pending: dict[str, list[News]], news: dict[str, list[News]], taken: Taken, now: datetime
    ) -> dict[str, list[News]]:
        """Return what waits to be judged with one candle's news; it is judged before a correction.

        Else bars would be judged by what was known only after them.
        """
        if any(each.is_correction for own in news.values() for each in own):
            self._raise(taken, pending, now)
            return news
        for name, own in news.items():
            pending[name] += own
        return pending

    def _no_news(self) -> dict[str, list[News]]:
        return {name: [] for name in self._followed}


def _session_of(days: Calendar, ts: int) -> tuple[int, int, int]:
    """Return open, close and date of the session that a moment lies in, or of the last one before it."""
    number = int(np.searchsorted(micros(days.opens_at), ts, side="right")) - 1
    opens, closes = int(micros(days.opens_at)[number]), int(micros(days.closes_at)[number])
    return opens, closes, int(days.sessions[number].astype("datetime64[D]").astype(np.int64))


def _most_bars(timeframe: str) -> int:
    return -(-24 * 60 // INTRADAY_MINUTES[timeframe])
