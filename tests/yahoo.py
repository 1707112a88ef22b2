"""What tests of source yahoo share: sessions of a made-up stock, its server, a lake that loads from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from lake.config import Settings, load_settings
from lake.market.sessions import calendar
from lake.sources.base import Fetched, IngestRequest
from lake.sources.yahoo import YahooSource
from lake.steps.ingest import ingest
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.charts import ChartServer, chart_server, made_book

SECONDS = 0.5
"""For which the source waits for an answer: much longer than the local server needs."""


def sessions(first: str, last: str) -> list[date]:
    days = calendar("XNYS").sessions
    inside = days[(days >= np.datetime64(first)) & (days <= np.datetime64(last))]
    return [day.item() for day in inside]


DAYS = sessions("2024-01-02", "2024-06-28")
"""124 sessions."""


def settings_of(server: ChartServer, folder: Path, name: str = "lake") -> Settings:
    return load_settings(lake_root=str(folder / name), yahoo_url=server.url)


def load(settings: Settings, *symbols: str, now: datetime | None = None, **changes: Any) -> dict[str, Any]:
    clock = {"clock": lambda: now} if now else {}
    source = YahooSource(settings, seconds=SECONDS, **clock)
    return ingest(settings, IngestRequest("yahoo", symbols or ("AAA",), **changes), source)


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    return connect(Lake.open(settings)).execute(query).fetchall()


def fetched(settings: Settings, now: datetime, symbol: str = "AAA", **request: Any) -> Fetched:
    source = YahooSource(settings, clock=lambda: now, seconds=SECONDS)
    (found,) = source.fetch(IngestRequest("yahoo", (symbol,), **request), [symbol])
    return found


@contextmanager
def two_stocks() -> Iterator[ChartServer]:
    """Run a server that knows AAA and BBB."""
    with chart_server({"AAA": made_book("AAA", DAYS), "BBB": made_book("BBB", DAYS)}) as running:
        yield running
