"""Rows of table symbols: what the lake knows of each, extended by what a delivery says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from lake.market.sessions import calendar, currency_of
from lake.store.catalog import connect
from lake.store.lake import Change, Lake
from lake.store.tables import TABLES
from lake.store.tables.spec import BITEMPORAL

DEFAULT_EXCHANGE = "XNYS"


def known_listings(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Return the row of every symbol that the lake knows."""
    rows = con.execute("SELECT * FROM symbols").to_arrow_table().to_pylist()
    return {row["symbol"]: row for row in rows}


def listing_of(
    symbol: str, name: str | None, exchange: str | None, known: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a symbol's row: what is known, extended by the name and exchange that a delivery tells."""
    before = known.get(symbol, {})
    exchange = exchange or before.get("exchange") or DEFAULT_EXCHANGE
    return {
        "symbol": symbol,
        "name": name or before.get("name"),
        "exchange": exchange,
        "currency": currency_of(exchange),
        "zone": calendar(exchange).zone,
        **{field: before.get(field) for field in ("listed", "delisted", "aliases")},
    }


def enter_symbols(lake: Lake, symbols: Iterable[str], exchange: str | None, now: datetime) -> Change:
    """Make symbols known to the lake, on `exchange` or else where they are known to be."""
    schema = pa.schema([field for field in TABLES["symbols"].schema if field not in BITEMPORAL])
    with lake.writing("symbols"):
        known = known_listings(connect(lake))
        rows = [listing_of(symbol, None, exchange, known) for symbol in sorted(symbols)]
        return lake.upsert("symbols", pa.Table.from_pylist(rows, schema=schema), lake.stamp("symbols", now))
