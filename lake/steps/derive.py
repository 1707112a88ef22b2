"""Derive: longer bars from shorter ones, weeks and N days from days, 5 to 30 minutes from minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from lake.config import Settings
from lake.errors import BadInput
from lake.market.aggregate import LONGER_INTRADAY, aggregated
from lake.market.bars import VALUES, Bars
from lake.market.resample import resampled
from lake.market.sessions import calendar
from lake.market.timeframes import kind_of, parse_timeframe
from lake.sources.intake import partition_numbers
from lake.store.catalog import connect
from lake.store.lake import Change, Lake, now_utc
from lake.store.reads import known_symbols, read_history
from lake.store.tables import TABLES
from lake.store.vanished import vanished_keys
from lake.universe import DERIVED, read_universe

BATCH_ROWS = 1_000_000
"""Rows that are merged at once; memory grows with it."""

MINUTES_CHUNK = 10
"""Symbols whose minutes are in memory at once."""

GRACE = timedelta(seconds=10)
"""How long after its end a bar without a successor is taken as closed."""


def derive_longer_bars(
    settings: Settings,
    symbols: Sequence[str] | None = None,
    timeframes: Sequence[str] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Bring the longer bars up to date with daily bars and minutes, and return what changed.

    Without `timeframes` these are those of conf/universe.yaml and 5m, 15m and 30m. Intraday bars
    are written once they have closed, by a later minute or by the clock `now`.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
        BadInput: `timeframes` names one that does not exist or cannot be derived.
    """
    wanted = [_longer(name) for name in timeframes or _defaults(settings)]
    intraday = [name for name in wanted if kind_of(name) == "intraday"]
    longer = [name for name in wanted if kind_of(name) != "intraday"]
    lake = Lake.open(settings)
    moment = now or now_utc()
    changes = []
    with lake.writing("bars"), lake.writing("candles"):  # what is read now is what is written over
        con = connect(lake)
        if longer:
            changes += _write(lake, con, "bars", _batches(_from_days(con, symbols, longer)), moment)
        if intraday:
            made = _from_minutes(con, symbols, intraday, moment - GRACE)
            changes += _write(lake, con, "candles", _batches(made), moment)
    return {
        "timeframes": len(wanted),
        "inserted": sum(change.inserted for change in changes),
        "closed": sum(change.closed for change in changes),
    }


def _longer(name: str) -> str:
    if parse_timeframe(name) in ("1m", "1d"):
        raise BadInput(f"expected a timeframe that is derived, such as 5m or 1wk, found {name!r}: ingest it")
    return name


def _defaults(settings: Settings) -> Sequence[str]:
    return (*read_universe(settings.conf_folder).longer_timeframes, *LONGER_INTRADAY)


def _write(
    lake: Lake, con: duckdb.DuckDBPyConnection, table: str, batches: Iterator[list[Bars]], now: datetime
) -> list[Change]:
    changes = []
    known_at = lake.stamp(table, now)
    for batch in batches:
        rows = pa.concat_tables([_rows(bars, table) for bars in batch])
        vanished = vanished_keys(con, TABLES[table], rows, DERIVED)
        changes.append(lake.upsert(table, rows, known_at, vanished))
    return changes


def _from_days(
    con: duckdb.DuckDBPyConnection, symbols: Sequence[str] | None, timeframes: Sequence[str]
) -> Iterator[Bars]:
    exchanges = _exchanges(con)
    for daily, actions in read_history(con, "1d", symbols):
        days = calendar(exchanges[daily.symbol])
        held = daily[days.ordinals(daily.session) >= 0]  # a person may have released a day of no session
        for name in timeframes:
            yield resampled(held, actions, name, days)


def _from_minutes(
    con: duckdb.DuckDBPyConnection,
    symbols: Sequence[str] | None,
    timeframes: Sequence[str],
    closed_until: datetime,
) -> Iterator[Bars]:
    exchanges, until = _exchanges(con), np.datetime64(closed_until.replace(tzinfo=None), "us")
    names = known_symbols(con, symbols)
    for start in range(0, len(names), MINUTES_CHUNK):
        for minutes, _ in read_history(con, "1m", names[start : start + MINUTES_CHUNK]):
            for name in timeframes:
                bars = aggregated(minutes, name, calendar(exchanges[minutes.symbol]), until)
                yield bars[bars.is_complete]


def _exchanges(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute("SELECT symbol, exchange FROM symbols").fetchall())


def _batches(made: Iterator[Bars]) -> Iterator[list[Bars]]:
    waiting: list[Bars] = []
    for bars in filter(len, made):
        waiting.append(bars)
        if sum(map(len, waiting)) >= BATCH_ROWS:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _rows(bars: Bars, table: str) -> pa.Table:
    """Return derived bars as rows of a table, version columns aside."""
    count = len(bars)
    (partition,) = TABLES[table].partition_by
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
        partition: partition_numbers(partition, bars.ts),
    }
    schema = pa.schema([field for field in TABLES[table].schema if field.name in columns])
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)
