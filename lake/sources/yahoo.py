"""Bars of Yahoo Finance by yfinance, daily and intraday.

Yahoo divides prices and dividends, and multiplies volumes, by all splits up to the present. Here they
are given back as traded. Bars of a session that has not closed are not delivered.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lake.config import Settings
from lake.errors import BadAnswer, BadInput, UnknownSymbol
from lake.market.sessions import Calendar, calendar
from lake.market.timeframes import kind_of
from lake.sources.base import Fetched, IngestRequest, unanswered
from lake.sources.pace import Pace
from lake.store.lake import now_utc

if TYPE_CHECKING:
    from lake.sources.yahoo_client import Chart, YahooClient

KEPT_DAYS = {"1m": 29, "5m": 59, "15m": 59, "30m": 59}
"""Calendar days back to which Yahoo keeps bars; days have no limit."""

DAYS_A_REQUEST = {"1m": 7}
"""Calendar days that one request may ask for, where that is fewer than are kept."""

GRACE = timedelta(minutes=15)
"""How long after its close a bar counts as final: closing auctions and delayed quotes come in late."""

_EXCHANGE = "XNYS"
_CLASS_SHARE = re.compile(r"([A-Z]+)\.([A-Z])")


class YahooSource:
    """The symbols that a request names, on the exchange that it names (XNYS if it names none)."""

    def __init__(
        self,
        settings: Settings,
        is_patient: bool = False,
        clock: Callable[[], datetime] = now_utc,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        seconds: float = 10.0,
    ) -> None:
        self._base, self._folder = settings.yahoo_url, settings.local_folder
        self._clock, self._seconds = clock, seconds
        self.pace = Pace(standing_file(settings), clock, sleep, chance, is_patient)

    def offered(self, request: IngestRequest) -> Sequence[str]:
        """Return the request's symbols.

        Raises:
            BadInput: it names none, or asks for what Yahoo does not keep.
        """
        if not request.symbols:
            raise BadInput(
                "expected symbols for source yahoo, found none; "
                "name them with --symbols or in conf/universe.yaml"
            )
        if request.timeframe != "1d" and request.timeframe not in KEPT_DAYS:
            known = ", ".join(("1d", *KEPT_DAYS))
            raise BadInput(f"expected a timeframe of source yahoo, one of {known}, found {request.timeframe}")
        if request.price_basis != "raw":
            raise BadInput(
                "expected --price-basis raw of source yahoo, whose prices are given back as traded, "
                "found split; leave it out"
            )
        earliest = earliest_day(request.timeframe, self._clock().date())
        if earliest and request.start and request.start < earliest:
            raise BadInput(
                f"expected a range from {earliest} on, since Yahoo keeps {request.timeframe} bars for "
                f"{KEPT_DAYS[request.timeframe] + 1} days, found --from {request.start}; "
                "correct it, or bring older bars with --source files"
            )
        return sorted(request.symbols)

    def fetch(self, request: IngestRequest, symbols: Sequence[str]) -> Iterator[Fetched]:
        """Yield the closed bars of each symbol as traded, with its actions.

        A symbol whose answer cannot be used is told with the problem, and stops no other one.

        Raises:
            SourceBusy: Yahoo asks to be left alone.
            SourceUnavailable: it cannot be reached.
            BadInput: no session of the range has closed.
        """
        days = calendar(request.exchange or _EXCHANGE)
        self._refuse_no_session(request, days)
        client = self._client()
        for symbol in symbols:
            yield self._fetched(client, request, symbol, days)

    def reach(self) -> str:
        """Return the host that answers.

        Raises:
            SourceUnavailable: none does, or it asked to be left alone.
        """
        from lake.sources.yahoo_session import ChartSession

        self.pace.refuse_if_too_early()
        return ChartSession(self._base, self.pace, self._seconds).reach()

    def _client(self) -> YahooClient:
        from lake.sources.yahoo_client import YahooClient
        from lake.sources.yahoo_session import ChartSession

        session = ChartSession(self._base, self.pace, self._seconds)
        return YahooClient(session, self._folder / "_yfinance")

    def _refuse_no_session(self, request: IngestRequest, days: Calendar) -> None:
        closed = days.sessions[days.closes_at <= self._closed_until()]
        if request.start:
            closed = closed[closed >= np.datetime64(request.start)]
        if request.end:
            closed = closed[closed <= np.datetime64(request.end)]
        if not len(closed):
            raise BadInput(
                f"expected a range with a session of {days.exchange} that has closed, found "
                f"{request.start or 'the first'} to {request.end or 'the last'}; correct --from or --to"
            )

    def _closed_until(self) -> np.datetime64:
        return np.datetime64((self._clock() - GRACE).replace(tzinfo=None), "us")

    def _fetched(self, client: YahooClient, request: IngestRequest, symbol: str, days: Calendar) -> Fetched:
        from lake.sources.yahoo_rows import delivered

        try:
            bars, history = self._charts(client, request, yahoo_name(symbol, days.exchange))
            return delivered(symbol, request.timeframe, bars, history, days, self._closed_until())
        except (BadAnswer, UnknownSymbol) as error:
            return unanswered(symbol, str(error))

    def _charts(
        self, client: YahooClient, request: IngestRequest, name: str
    ) -> tuple[Sequence[Chart], Chart]:
        """Return charts with the bars, and one of all days from their first one to the present.

        An answer about a past range leaves out the splits after it, and its prices do not.
        """
        today = self._clock().date()
        start, end = request.start, request.end
        reaches_today = end is None or end >= today
        if kind_of(request.timeframe) == "daily":
            chart = client.chart(name, "1d", start, None if reaches_today else end)
            return [chart], chart if reaches_today else client.chart(name, "1d", start)
        first = start or earliest_day(request.timeframe, today) or today
        spans = windows(first, today if end is None or reaches_today else end, request.timeframe)
        charts = [client.chart(name, request.timeframe, *span) for span in spans]
        return charts, client.chart(name, "1d", first)


def earliest_day(timeframe: str, today: date) -> date | None:
    """Return the first day that Yahoo still has bars of; None where it has them all."""
    days = KEPT_DAYS.get(timeframe)
    return today - timedelta(days=days) if days else None


def windows(first: date, last: date, timeframe: str) -> list[tuple[date, date]]:
    """Return the ranges of days, included, that are asked for one by one."""
    length = DAYS_A_REQUEST.get(timeframe, KEPT_DAYS[timeframe] + 1)
    starts = range(0, (last - first).days + 1, length)
    spans = ((first + timedelta(days=n), first + timedelta(days=n + length - 1)) for n in starts)
    return [(start, min(end, last)) for start, end in spans]


def yahoo_name(symbol: str, exchange: str) -> str:
    """Return what Yahoo calls a symbol: a class of shares in New York has a dash, such as BRK-B."""
    match = _CLASS_SHARE.fullmatch(symbol)
    return "-".join(match.groups()) if match and exchange in ("XNYS", "XNAS") else symbol


def standing_file(settings: Settings) -> Path:
    """Return the file that says how Yahoo stands with this machine."""
    return settings.local_folder / "_yahoo.json"
