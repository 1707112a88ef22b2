"""Rows of table symbols: what the lake knows of each, extended by what a delivery says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from lake.market.sessions import calendar, currency_of
from lake.membership import Listing
from lake.store.catalog import connect
from lake.store.lake import Change, Lake
from lake.store.tables import TABLES
from lake.store.tables.spec import BITEMPORAL
from lake.universe import read_universe

DEFAULT_EXCHANGE = "XNYS"


def known_listings(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Return the row of every symbol that the lake knows."""
    rows = con.execute("SELECT * FROM symbols").to_arrow_table().to_pylist()
    return {row["symbol"]: row for row in rows}


def listing_of(
    symbol: str,
    name: str | None,
    exchange: str | None,
    known: Mapping[str, Mapping[str, Any]],
    listings: Mapping[str, Listing] | None = None,
) -> dict[str, Any]:
    """Return a symbol's row: what conf/universe.yaml says, else what a delivery tells, else what is known.

    Days of listing and aliases are the configuration's alone: what it does not say of a symbol that it
    describes is not so.
    """
    before, own = known.get(symbol, {}), (listings or {}).get(symbol)
    told = own or Listing.model_construct(symbol=symbol)  # unchecked: rows without a symbol have none
    exchange = told.exchange or exchange or before.get("exchange") or DEFAULT_EXCHANGE
    described = {
        "listed": told.listed,
        "delisted": told.delisted,
        "aliases": ",".join(told.aliases) or None,
    }
    return {
        "symbol": symbol,
        "name": told.name or name or before.get("name"),
        "exchange": exchange,
        "currency": told.currency or currency_of(exchange),
        "zone": calendar(exchange).zone,
        **(described if own else {field: before.get(field) for field in described}),
    }


def enter_symbols(lake: Lake, symbols: Iterable[str], exchange: str | None, now: datetime) -> Change:
    """Make symbols known to the lake, on `exchange` or else where they are known to be."""
    listings = read_universe(lake.settings.conf_folder).listings()
    with lake.writing("symbols"):
        known = known_listings(connect(lake))
        rows = [listing_of(symbol, None, exchange, known, listings) for symbol in sorted(symbols)]
        return lake.upsert("symbols", listing_rows(rows), lake.stamp("symbols", now))


def refreshed_listings(
    known: Mapping[str, Mapping[str, Any]], listings: Mapping[str, Listing]
) -> list[dict[str, Any]]:
    """Return the rows of known symbols that conf/universe.yaml names, as it describes them now."""
    return [listing_of(symbol, None, None, known, listings) for symbol in sorted(known.keys() & listings)]


def listing_rows(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return listings as rows of table symbols, version columns aside."""
    schema = pa.schema([field for field in TABLES["symbols"].schema if field not in BITEMPORAL])
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
