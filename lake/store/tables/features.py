"""Table of registered columns: one row a complete bar, one column each."""

from __future__ import annotations

import pyarrow as pa

from lake.features.registry import fields
from lake.store.tables.spec import UTC_MICROS, TableSpec, columns

FEATURES = TableSpec(
    name="features",
    schema=pa.schema(
        [
            *columns(
                symbol=pa.string(),
                timeframe=pa.string(),
                ts=UTC_MICROS,
                closes_at=UTC_MICROS,
            ),
            *fields(),
        ]
    ),
    key=("symbol", "timeframe", "ts"),
    partition_by=("timeframe",),
)
"""Registered columns on the split basis."""
