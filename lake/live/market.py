"""The live market: a message's candles in, bars to land and alerts out, for every symbol it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self

import numpy as np

from lake.alerts.alert import Alert
from lake.live.carried import Carried
from lake.live.history import History, no_bars
from lake.live.suspicion import Suspicion
from lake.live.watch import News, Watch
from lake.market.aggregate import micros
from lake.market.aggregator import Aggregator
from lake.market.bars import Actions
from lake.market.buckets import MINUTE
from lake.market.candles import Candle, Change, Difference, candles_of
from lake.market.sessions import Calendar, calendar
from lake.market.timeframes import INTRADAY_MINUTES
from lake.rules.language import Rule, rules_for
from lake.thresholds import Thresholds

GRACE = 10_000_000
"""Microseconds after its end until the clock closes a bar that has no successor yet."""

Symbol = str
Bar = tuple[Symbol, Candle, int]


class Taken(NamedTuple):
    """What candles brought.

    `bars` are to be landed in this order, each with its `closes_at` in microseconds since 1970, UTC;
    `suspicions` say why those of them that are suspect are. `alerts` are confirmed, or invalidated by
    a correction. `differences` is where a vendor and the minutes tell a closed bar differently.
    """

    bars: list[Bar]
    alerts: list[Alert]
    differences: list[tuple[Symbol, Difference]]
    suspicions: dict[tuple[Symbol, str, int], str]


class _Listed:
    """One symbol: its sessions, its aggregator, and what its candles are judged by."""

    __slots__ = ("aggregator", "calendar", "closes", "day", "opens", "series", "suspicions")

    def __init__(self, symbol: str, exchange: Calendar, series: dict[str, int]) -> None:
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
        named = {name: rules_for(rules, name) for name in INTRADAY_MINUTES}
        self._watches = {name: Watch(name, own, _most_bars(name)) for name, own in named.items() if own}
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
        own, days = actions or Actions.none(), calendar(exchange)
        listed = _Listed(
            symbol, days, {name: watch.add(symbol, own) for name, watch in self._watches.items()}
        )
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
        for name, series in listed.series.items():
            if name in history.bars:
                self._watches[name].restore(series, history.bars[name], now, history.carried.get(name))

    def carried(self, symbol: Symbol) -> dict[str, Carried]:
        """Return by timeframe what a symbol's series carry into their current session."""
        series = self._listed[symbol].series
        found = {name: watch.carried(series[name]) for name, watch in self._watches.items()}
        return {name: each for name, each in found.items() if each is not None}

    def take(self, candles: Sequence[tuple[Symbol, Candle]], now: datetime) -> Taken:
        """Take in candles in their order; `now` is only stamped on alerts."""
        taken, news = Taken([], [], [], {}), _no_news(self._watches)
        for symbol, candle in candles:
            listed = self._listed[symbol]
            codes, turned = listed.suspicions[candle.timeframe].judged(candle)
            if codes:
                candle = candle._replace(is_suspect=True)
                taken.suspicions[symbol, candle.timeframe, candle.ts] = codes
            self._push(symbol, listed, candle, taken, news)
            for each in turned:
                self._push(symbol, listed, each, taken, news)
        self._raise(taken, news, now)
        return taken

    def close(self, symbol: Symbol, timeframe: str, ts: int, now: datetime) -> Taken:
        """Obey the clock: the symbol's bar of `timeframe` that starts at `ts` has closed."""
        taken, news = Taken([], [], [], {}), _no_news(self._watches)
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
                news["1m"].append(News(listed.series["1m"], candle, ends, listed.day, is_correction))

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
                series = listed.series[bar.timeframe]
                news[bar.timeframe].append(News(series, bar, ends, day, change.status == "corrected"))

    def _raise(self, taken: Taken, news: dict[str, list[News]], now: datetime) -> None:
        for timeframe, own in news.items():
            if own:
                taken.alerts.extend(self._watches[timeframe].take(own, now))


def _no_news(watches: Mapping[str, Watch]) -> dict[str, list[News]]:
    return {name: [] for name in watches}


def _session_of(days: Calendar, ts: int) -> tuple[int, int, int]:
    """Return open, close and date of the session that a moment lies in, or of the last one before it."""
    number = int(np.searchsorted(micros(days.opens_at), ts, side="right")) - 1
    opens, closes = int(micros(days.opens_at)[number]), int(micros(days.closes_at)[number])
    return opens, closes, int(days.sessions[number].astype("datetime64[D]").astype(np.int64))


def _most_bars(timeframe: str) -> int:
    return -(-24 * 60 // INTRADAY_MINUTES[timeframe])
