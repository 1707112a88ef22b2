"""What messages say of symbols: company, currency and zone, as the lake lists them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import structlog

from lake.config import Settings
from lake.errors import LakeError
from lake.notify.message import Listing
from lake.store.catalog import connect
from lake.store.lake import Lake

_log = structlog.get_logger(__name__)


class Listings:
    """Reads the lake's symbols, and again when a symbol is asked for that was not there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Listing] = {}

    def of(self, symbols: Collection[str]) -> Mapping[str, Listing]:
        """Return what is known of symbols; a message without a company's name is better than none."""
        if not set(symbols) <= self._known.keys():
            self._known = {**dict.fromkeys(symbols, Listing()), **self._known, **self._read()}
        return self._known

    def _read(self) -> dict[str, Listing]:
        try:
            with connect(Lake.open(self._settings)) as con:
                rows = con.execute("SELECT symbol, name, currency, zone FROM symbols").fetchall()
        except (LakeError, OSError, duckdb.Error) as error:
            _log.warning("symbols_not_read", reason=str(error))
            return {}
        return {symbol: Listing(name, currency, _zone(zone)) for symbol, name, currency, zone in rows}


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
