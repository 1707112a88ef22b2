"""Table of registered columns: one row a complete bar, one column each."""

from __future__ import annotations

import pyarrow as pa

from lake.features.registry import fields
from lake.store.tables.spec import MEGABYTE, UTC_MICROS, TableSpec, columns

FEATURES = TableSpec(
    name="features",
    schema=pa.schema(
        [
            *columns(
                symbol=pa.string(),
                timeframe=pa.string(),
                ts=UTC_MICROS,
                closes_at=UTC_MICROS,
                inputs=pa.int64(),
            ),
            *fields(),
        ]
    ),
    key=("symbol", "timeframe", "ts"),
    partition_by=("timeframe",),
    file_bytes=64 * MEGABYTE,  # rows are ten times as wide as those of bars
)
"""Registered columns on the split basis.

`inputs` is a hash of everything a row was computed from: the complete bars up to it, the splits that
count, and the columns' own definitions. A row is out of date exactly where that is not what the lake
would hash now. It is empty where rows before it were missing or out of date when it was written.
"""
