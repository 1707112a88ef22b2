"""Levels and events as rows of their tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lake.levels.batch import Found
from lake.store.tables import TABLES

_CERTIFICATE = (
    "level_id",
    "method",
    "name",
    "kind",
    "price",
    "formed_at",
    "confirmed_at",
    "touches",
    "last_touch_at",
    "role_flips",
    "broken_at",
    "outcome",
)


def level_rows(found: Found, symbol: str, timeframe: str) -> pa.Table:
    """Return the levels that are in force or had an event, as rows of table levels."""
    eventful = {event.level_id for event in found.events}
    kept = [level for level in found.levels if level.outcome == "active" or level.level_id in eventful]
    columns: dict[str, Any] = {name: [getattr(level, name) for level in kept] for name in _CERTIFICATE}
    columns["strength"] = [level.strength_at(found.last_bar) for level in kept]
    return _table("levels", columns, symbol, timeframe)


def event_rows(found: Found, symbol: str, timeframe: str) -> pa.Table:
    """Return all events as rows of table level_events."""
    columns: dict[str, Any] = {
        name: [getattr(event, name) for event in found.events]
        for name in ("level_id", "ts", "closes_at", "event", "kind", "side", "method", "price")
    }
    return _table("level_events", columns, symbol, timeframe)


def _table(name: str, columns: dict[str, Sequence[Any]], symbol: str, timeframe: str) -> pa.Table:
    schema, count = TABLES[name].schema, len(columns["level_id"])
    known = {**columns, "symbol": [symbol] * count, "timeframe": [timeframe] * count}
    return pa.table([pa.array(known[field.name], type=field.type) for field in schema], schema=schema)
