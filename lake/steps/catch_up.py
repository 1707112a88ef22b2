"""Catch up: from which day on a source is asked, by what the lake already has of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import numpy as np

from lake.config import Settings
from lake.market.sessions import calendar
from lake.sources.base import IngestRequest
from lake.sources.yahoo import earliest_day
from lake.steps.listings import DEFAULT_EXCHANGE
from lake.store.lake import now_utc
from lake.universe import YAHOO, read_universe


def requests_for(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    request: IngestRequest,
    chunk: Sequence[str],
    known: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[IngestRequest, list[str]]]:
    """Yield what to ask for, with the symbols for which it is the same.

    A source that has to be asked over a network is asked for a symbol on the exchange that the lake
    knows, and in catch-up from some sessions before the last one that was fetched, so that what it
    has restated since is noticed.
    """
    if request.source != YAHOO:
        yield request, list(chunk)
        return
    trailing = read_universe(settings.conf_folder).trailing_sessions
    last = _last_sessions(con, request, chunk) if request.mode == "catch-up" else {}
    groups: dict[tuple[str, date | None], list[str]] = {}
    for symbol in chunk:
        exchange = request.exchange or known.get(symbol, {}).get("exchange") or DEFAULT_EXCHANGE
        start = request.start
        if start is None and symbol in last:
            start = _earlier(exchange, last[symbol], trailing, request)
        groups.setdefault((exchange, start), []).append(symbol)
    for (exchange, start), symbols in groups.items():
        yield replace(request, exchange=exchange, start=start), symbols


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
