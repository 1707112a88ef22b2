"""What is particular to an ingest of candles: some sources have none, and longer ones are derived."""

from __future__ import annotations

from typing import Any

from lake.config import Settings
from lake.market.aggregate import LONGER_INTRADAY
from lake.sources.base import IngestRequest
from lake.steps.derive import derive_longer_bars
from lake.steps.levels import find_levels
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.reads import known_symbols
from lake.universe import SAMPLE


def nothing_to_fetch(request: IngestRequest) -> str | None:
    """Return why a request that nobody made in person has nothing to ask for; None if it has."""
    if request.source == SAMPLE:
        return "source sample of conf/universe.yaml has days only; choose yahoo or simulated for minutes"
    if request.source == "files" and not request.path:
        return "source files of conf/universe.yaml is read when somebody names a path, and none is named"
    return None


def derive_candles(settings: Settings, request: IngestRequest) -> dict[str, Any]:
    """Bring 5, 15 and 30 minutes up to date with what a request brought, if that was minutes."""
    names = _known(settings, request)
    if request.timeframe != "1m" or (request.symbols and not names):
        return {"timeframes": 0, "inserted": 0, "closed": 0}
    return derive_longer_bars(settings, names or None, LONGER_INTRADAY)


def find_candle_levels(settings: Settings, request: IngestRequest) -> dict[str, Any]:
    """Bring levels of 5, 15 and 30 minutes up to date with what a request brought."""
    names = _known(settings, request)
    if request.symbols and not names:
        return {"symbols": 0, "timeframes": 0, "written": 0, "replaced": 0}
    return find_levels(settings, names or None, LONGER_INTRADAY)


def _known(settings: Settings, request: IngestRequest) -> list[str]:
    """Return the symbols of a request that the lake has."""
    known = set(known_symbols(connect(Lake.open(settings))))
    return [symbol for symbol in request.symbols if symbol in known]
