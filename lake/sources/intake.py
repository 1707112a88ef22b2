"""From delivered rows to rows of the lake: timed, checked, rounded; the impossible set aside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lake.market.admission import admitted, rounded
from lake.market.bars import VALUES, Bools, Floats, Times
from lake.market.quality import REASONS, RELEASED
from lake.market.sessions import Calendar
from lake.market.timeframes import kind_of
from lake.market.timing import Timing
from lake.sources.base import EVIDENCE, NO_SYMBOL, Fetched, IngestRequest
from lake.store.tables import TABLES

Texts = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Intake:
    """What one symbol brings to the tables of these names, `known_at` aside.

    `bars` carries the columns of EVIDENCE besides. `extended_hours` counts intraday
    rows outside the session, which are dropped.
    """

    bars: pa.Table
    quarantine: pa.Table
    extended_hours: int


def take_in(
    fetched: Fetched,
    request: IngestRequest,
    calendar: Calendar,
    now: datetime,
    decided: Mapping[str, str] | None = None,
) -> Intake:
    """Return the rows of one symbol's answer as they enter the lake.

    A bar that had not closed at `now` has no business in a history and is set aside too.
    `decided` says of quarantined rows, by id, what a person decided: a released one enters.
    """
    rows = _within(fetched.bars, request, calendar.zone)
    ts = rows["ts"].cast(pa.int64()).fill_null(np.iinfo(np.int64).min).to_numpy().astype("datetime64[us]")
    values = {name: rows[name].to_numpy().astype(float) for name in VALUES}
    admission = admitted(ts, values, request.timeframe, calendar, now)
    reason, timing = admission.reason, admission.timing
    if fetched.symbol == NO_SYMBOL:
        reason = np.full(len(rows), "bad_symbol")
    aside = (reason != "") & (~timing.outside | (fetched.symbol == NO_SYMBOL))
    quarantine = _quarantine_rows(fetched, request, rows, reason, aside, decided or {})
    released = np.zeros(len(rows), dtype=bool)
    released[aside] = quarantine["status"].to_numpy() == "released"
    note = np.where(released, np.char.add(RELEASED, reason.astype(str)), admission.note)
    keep = ((reason == "") & ~timing.outside) | released
    return Intake(
        bars=_bar_rows(fetched, request, rows, ts, values, timing, note).filter(pa.array(keep)),
        quarantine=quarantine,
        extended_hours=int(timing.outside.sum()) if fetched.symbol != NO_SYMBOL else 0,
    )


def _within(rows: pa.Table, request: IngestRequest, zone: str) -> pa.Table:
    """Return the rows of the days that were asked for; a candle's day is that of its exchange."""
    ts = rows["ts"]
    if kind_of(request.timeframe) == "intraday":
        ts = pc.local_timestamp(ts.cast(pa.timestamp("us", zone)))
    days = ts.cast(pa.date32())
    keep = pa.array(np.ones(len(rows), dtype=bool))
    for bound, compare in ((request.start, pc.greater_equal), (request.end, pc.less_equal)):
        if bound is not None:
            keep = pc.and_(keep, pc.fill_null(compare(days, pa.scalar(bound)), True))
    return rows.filter(keep)


def _bar_rows(
    fetched: Fetched,
    request: IngestRequest,
    rows: pa.Table,
    ts: Times,
    values: dict[str, Floats],
    timing: Timing,
    note: Texts,
) -> pa.Table:
    spec = TABLES[bars_table(request.timeframe)]
    (partition,) = spec.partition_by
    count = len(ts)
    columns = {
        "symbol": pa.repeat(fetched.symbol, count),
        "timeframe": pa.repeat(request.timeframe, count),
        "ts": ts,
        "closes_at": timing.closes_at,
        "session": timing.session,
        **rounded(values),
        "is_complete": pa.repeat(True, count),
        "quality": pa.repeat("ok", count),
        "quality_reason": pa.array(note, mask=note == ""),
        "price_basis": pa.repeat(request.price_basis, count),
        "source": pa.repeat(request.source, count),
        partition: partition_numbers(partition, ts),
    }
    schema = pa.schema([field for field in spec.schema if field.name in columns])
    bars = pa.table({name: _utc(columns[name]) for name in schema.names}).cast(schema)
    for name in EVIDENCE:
        given = rows[name] if name in rows.column_names else pa.nulls(count, pa.float64())
        bars = bars.append_column(name, given)
    return bars


def bars_table(timeframe: str) -> str:
    """Return the name of the table that holds bars of a timeframe."""
    return "candles" if kind_of(timeframe) == "intraday" else "bars"


def partition_numbers(partition: str, ts: Times) -> NDArray[np.int32]:
    """Return the partition of each bar: its year, or 202401 for its month."""
    months = ts.astype("datetime64[M]").astype(np.int64)
    years = 1970 + months // 12
    return (years if partition == "year" else years * 100 + months % 12 + 1).astype(np.int32)


def _utc(column: object) -> object:
    if isinstance(column, np.ndarray) and column.dtype == np.dtype("datetime64[us]"):
        return pa.array(column).cast(pa.timestamp("us", "UTC"))
    return column


def _quarantine_rows(
    fetched: Fetched,
    request: IngestRequest,
    rows: pa.Table,
    reason: Texts,
    aside: Bools,
    decided: Mapping[str, str],
) -> pa.Table:
    spec = TABLES["quarantine"]
    schema = pa.schema([field for field in spec.schema if field.name not in ("known_at", "superseded_at")])
    chosen = zip(rows.filter(pa.array(aside)).to_pylist(), reason[aside], strict=True)
    found = [_quarantined(fetched.symbol, request, row, str(code)) for row, code in chosen]
    for row in found:
        row["status"] = decided.get(str(row["quarantine_id"]), row["status"])
    return pa.Table.from_pylist(found, schema=schema)


def _quarantined(symbol: str, request: IngestRequest, row: dict[str, object], code: str) -> dict[str, object]:
    row = {name: value for name, value in row.items() if name not in EVIDENCE}
    delivered = row.pop("delivered") or json.dumps(row, default=str, sort_keys=True)
    identity = (request.source, symbol, request.timeframe, str(row["ts"]), code, str(delivered))
    return {
        "quarantine_id": hashlib.sha256("\x1f".join(identity).encode()).hexdigest(),
        "symbol": symbol or None,
        "timeframe": request.timeframe,
        "ts": row["ts"],
        "source": request.source,
        "reason": code,
        "detail": REASONS[code],
        "row": delivered,
        "status": "held",
    }
