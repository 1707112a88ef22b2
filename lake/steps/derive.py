"""Derive: weekly and N-day bars from the daily ones, into the same table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lake.config import Settings
from lake.market.bars import VALUES, Actions, Bars
from lake.market.resample import resampled
from lake.market.sessions import calendar
from lake.market.timeframes import parse_timeframe
from lake.sources.intake import partition_numbers
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.store.reads import read_history
from lake.store.tables import TABLES
from lake.store.vanished import vanished_keys
from lake.universe import DERIVED, read_universe

BATCH_ROWS = 1_000_000
"""Rows that are merged at once; memory grows with it."""


def derive_longer_bars(
    settings: Settings, symbols: Sequence[str] | None = None, timeframes: Sequence[str] | None = None
) -> dict[str, Any]:
    """Bring the longer bars up to date with the daily ones and return what changed.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
        BadInput: `timeframes` names one that does not exist.
    """
    wanted = [parse_timeframe(name) for name in timeframes or _defaults(settings)]
    lake = Lake.open(settings)
    con = connect(lake)
    exchanges = dict(con.execute("SELECT symbol, exchange FROM symbols").fetchall())
    histories = read_history(con, "1d", symbols)
    inserted = closed = 0
    with lake.writing("bars"):
        known_at = lake.stamp("bars", now_utc())
        for batch in _batches(histories, wanted, exchanges):
            vanished = vanished_keys(con, TABLES["bars"], batch, DERIVED)
            change = lake.upsert("bars", batch, known_at, vanished)
            inserted, closed = inserted + change.inserted, closed + change.closed
        return {"timeframes": len(wanted), "inserted": inserted, "closed": closed}


def _defaults(settings: Settings) -> Sequence[str]:
    return read_universe(settings.conf_folder).longer_timeframes


def _batches(
    histories: Iterator[tuple[Bars, Actions]], timeframes: Sequence[str], exchanges: dict[str, str]
) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for daily, actions in histories:
        days = calendar(exchanges[daily.symbol])
        daily = daily[days.ordinals(daily.session) >= 0]  # a person may have released a day of no session
        waiting += [_rows(resampled(daily, actions, name, days)) for name in timeframes]
        if sum(table.num_rows for table in waiting) >= BATCH_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _rows(bars: Bars) -> pa.Table:
    """Return derived bars as rows of table bars, version columns aside."""
    count = len(bars)
    utc = pa.timestamp("us", "UTC")
    columns = {
        "symbol": pa.repeat(bars.symbol, count),
        "timeframe": pa.repeat(bars.timeframe, count),
        "ts": pa.array(bars.ts).cast(utc),
        "closes_at": pa.array(bars.closes_at).cast(utc),
        "session": pa.array(bars.session),
        **{name: pa.array(getattr(bars, name)) for name in VALUES},
        "is_complete": pa.array(bars.is_complete),
        "quality": pa.array(np.where(bars.is_suspect, "suspect", "ok")),
        "quality_reason": pa.nulls(count, pa.string()),
        "price_basis": pa.repeat("raw", count),
        "source": pa.repeat(DERIVED, count),
        "year": partition_numbers("year", bars.ts),
    }
    schema = pa.schema([field for field in TABLES["bars"].schema if field.name in columns])
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)
