"""Catch up: from which day on a source is asked, by what the lake already has of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import numpy as np

from lake.market.sessions import calendar
from lake.membership import Listing
from lake.sources.base import IngestRequest
from lake.sources.yahoo import earliest_day
from lake.steps.listings import DEFAULT_EXCHANGE
from lake.store.lake import now_utc
from lake.universe import YAHOO, Universe


def requests_for(
    con: duckdb.DuckDBPyConnection,
    universe: Universe,
    request: IngestRequest,
    chunk: Sequence[str],
    known: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[IngestRequest, list[str]]]:
    """Yield what to ask for, with the symbols for which it is the same.

    A source that has to be asked over a network is asked for a symbol on the exchange that the lake
    knows, for no day on which it was not listed, and in catch-up from some sessions before the last
    one that was fetched, so that what it has restated since is noticed.
    """
    if request.source != YAHOO:
        yield request, list(chunk)
        return
    listings = universe.listings()
    last = _last_sessions(con, request, chunk) if request.mode == "catch-up" else {}
    groups: dict[tuple[str, date | None, date | None], list[str]] = {}
    for symbol in chunk:
        own = listings.get(symbol) or Listing(symbol=symbol)
        exchange = own.exchange or request.exchange or known.get(symbol, {}).get("exchange")
        exchange = exchange or DEFAULT_EXCHANGE
        start, end = request.start, _earliest_of(request.end, own.delisted)
        if start is None and symbol in last:
            if own.delisted and own.delisted <= last[symbol]:
                continue  # nothing can have come since
            start = _earlier(exchange, last[symbol], universe.trailing_sessions, request)
        if start is not None or request.timeframe == "1d":
            start = max(filter(None, (start, own.listed)), default=None)
        if start is None or end is None or start <= end:
            groups.setdefault((exchange, start, end), []).append(symbol)
    for (exchange, start, end), symbols in groups.items():
        yield replace(request, exchange=exchange, start=start, end=end), symbols


def _earliest_of(*days: date | None) -> date | None:
    return min(filter(None, days), default=None)


def _last_sessions(
    con: duckdb.DuckDBPyConnection, request: IngestRequest, chunk: Sequence[str]
) -> dict[str, date]:
    return dict(
        con.execute(
            "SELECT symbol, max(session) FROM bars WHERE timeframe = ? AND source = ? "
            "AND symbol IN (SELECT unnest(?)) GROUP BY symbol",
            [request.timeframe, request.source, list(chunk)],
        ).fetchall()
    )


def _earlier(exchange: str, last: date, trailing: int, request: IngestRequest) -> date | None:
    """Return the day so many sessions before the last one, or the first that the source still has."""
    days = calendar(exchange).sessions
    number = int(np.searchsorted(days, np.datetime64(last)))
    start: date = days[max(number - trailing, 0)].item()
    if request.end and request.end < start:
        return None
    earliest = earliest_day(request.timeframe, now_utc().date())
    return max(start, earliest) if earliest else start
