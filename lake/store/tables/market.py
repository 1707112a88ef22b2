"""Tables of market data: bars, candles, actions, symbols, quarantine, decisions, gaps."""

from __future__ import annotations

import pyarrow as pa

from lake.store.tables.spec import BITEMPORAL, UTC_MICROS, TableSpec, columns

_BAR = columns(
    symbol=pa.string(),
    timeframe=pa.string(),
    ts=UTC_MICROS,
    closes_at=UTC_MICROS,
    session=pa.date32(),
    open=pa.float64(),
    high=pa.float64(),
    low=pa.float64(),
    close=pa.float64(),
    volume=pa.float64(),
    is_complete=pa.bool_(),
    quality=pa.string(),
    quality_reason=pa.string(),
    price_basis=pa.string(),
    source=pa.string(),
)
_BAR_COMPARED = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "price_basis",
    "is_complete",
    "quality",
    "quality_reason",
)

BARS = TableSpec(
    name="bars",
    schema=pa.schema([*_BAR, pa.field("year", pa.int32()), *BITEMPORAL]),
    key=("symbol", "timeframe", "ts"),
    partition_by=("year",),
    compared=_BAR_COMPARED,
    ranked=True,
    clock="ts",
)
"""Daily and longer bars as traded, every version ever known."""

CANDLES = TableSpec(
    name="candles",
    schema=pa.schema([*_BAR, pa.field("month", pa.int32()), *BITEMPORAL]),
    key=("symbol", "timeframe", "ts"),
    partition_by=("month",),
    compared=_BAR_COMPARED,
    ranked=True,
    clock="ts",
)
"""Closed intraday bars as traded, every version ever known; `month` is 202401 for January 2024."""

ACTIONS = TableSpec(
    name="actions",
    schema=pa.schema(
        [
            *columns(
                symbol=pa.string(),
                ex_date=pa.date32(),
                kind=pa.string(),
                value=pa.float64(),
                currency=pa.string(),
                quality=pa.string(),
                quality_reason=pa.string(),
                source=pa.string(),
            ),
            *BITEMPORAL,
        ]
    ),
    key=("symbol", "ex_date", "kind"),
    compared=("value", "currency", "quality", "quality_reason"),
    ranked=True,
)
"""Splits (shares after per share before) and dividends (cash per share), every version."""

SYMBOLS = TableSpec(
    name="symbols",
    schema=pa.schema(
        [
            *columns(
                symbol=pa.string(),
                name=pa.string(),
                exchange=pa.string(),
                currency=pa.string(),
                zone=pa.string(),
                listed=pa.date32(),
                delisted=pa.date32(),
                aliases=pa.string(),
            ),
            *BITEMPORAL,
        ]
    ),
    key=("symbol",),
    compared=("name", "exchange", "currency", "zone", "listed", "delisted", "aliases"),
)
"""Symbols the lake knows; anything else of an unknown symbol is refused. `aliases` is `A,B`."""

QUARANTINE = TableSpec(
    name="quarantine",
    schema=pa.schema(
        [
            *columns(
                quarantine_id=pa.string(),
                symbol=pa.string(),
                timeframe=pa.string(),
                ts=UTC_MICROS,
                source=pa.string(),
                reason=pa.string(),
                detail=pa.string(),
                row=pa.string(),
                status=pa.string(),
            ),
            *BITEMPORAL,
        ]
    ),
    key=("quarantine_id",),
    compared=("status",),
)
"""Impossible rows as they arrived (JSON), with the reason; held, released or discarded."""

DECISIONS = TableSpec(
    name="decisions",
    schema=pa.schema(
        [
            *columns(
                subject=pa.string(),
                about=pa.string(),
                symbol=pa.string(),
                timeframe=pa.string(),
                ts=UTC_MICROS,
                row=pa.string(),
                verdict=pa.string(),
            ),
            *BITEMPORAL,
        ]
    ),
    key=("subject",),
    compared=("verdict",),
)
"""What people decided: `released` or `discarded`, about a row of quarantine, a suspect bar or action.

`subject` is the quarantine_id, or a hash of the bar or action with its values (`row`, JSON): other
values of the same key need a decision of their own.
"""

GAPS = TableSpec(
    name="gaps",
    schema=pa.schema(
        [
            *columns(
                symbol=pa.string(),
                timeframe=pa.string(),
                first_missing=pa.date32(),
                last_missing=pa.date32(),
                sessions=pa.int64(),
            ),
            *BITEMPORAL,
        ]
    ),
    key=("symbol", "timeframe", "first_missing"),
    compared=("last_missing", "sessions"),
)
"""Sessions without a bar between a symbol's first and last one; closed when they are filled."""
