"""Tables of support and resistance levels and of the events at them, rewritten by symbol and timeframe."""

from __future__ import annotations

import pyarrow as pa

from lake.store.tables.spec import UTC_MICROS, TableSpec, columns

LEVELS = TableSpec(
    name="levels",
    schema=pa.schema(
        columns(
            level_id=pa.string(),
            symbol=pa.string(),
            timeframe=pa.string(),
            method=pa.string(),
            name=pa.string(),
            kind=pa.string(),
            price=pa.float64(),
            formed_at=UTC_MICROS,
            confirmed_at=UTC_MICROS,
            touches=pa.int64(),
            last_touch_at=UTC_MICROS,
            strength=pa.float64(),
            role_flips=pa.int64(),
            broken_at=UTC_MICROS,
            outcome=pa.string(),
        )
    ),
    key=("symbol", "timeframe", "formed_at", "level_id"),
    partition_by=("timeframe",),
)
"""Levels that are in force or had an event, with their certificates as of the last bar.

Prices are on the split basis of that bar. Levels that were replaced or crowded out before
anything happened at them are not kept.
"""

LEVEL_EVENTS = TableSpec(
    name="level_events",
    schema=pa.schema(
        columns(
            level_id=pa.string(),
            symbol=pa.string(),
            timeframe=pa.string(),
            ts=UTC_MICROS,
            closes_at=UTC_MICROS,
            event=pa.string(),
            kind=pa.string(),
            side=pa.string(),
            method=pa.string(),
            price=pa.float64(),
        )
    ),
    key=("symbol", "timeframe", "ts", "level_id", "event"),
    partition_by=("timeframe",),
)
"""What a bar did at a level: touch, bounce, break, retest, role_flip; `kind` is the role before it."""
