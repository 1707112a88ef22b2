"""The table of what a restart of the stream cannot find in the last bars; no view of the lake shows it."""

from __future__ import annotations

import pyarrow as pa

from lake.store.tables.spec import UTC_MICROS, TableSpec, columns

LIVE_STATES = TableSpec(
    name="live_states",
    schema=pa.schema(
        columns(
            symbol=pa.string(),
            timeframe=pa.string(),
            session=pa.date32(),
            window_from=UTC_MICROS,
            window_bars=pa.int64(),
            versions=pa.int64(),
            newest=UTC_MICROS,
            splits=pa.string(),
            code=pa.string(),
            state=pa.string(),
        )
    ),
    key=("symbol", "timeframe"),
    partition_by=("timeframe",),
)
"""The live state of a series as of the end of a session: its levels, its sums, how its price began.

It belongs to exactly the candles that the lake had up to that session: so many `versions`, the `newest`
of which was written or closed then, with these `splits`, and found by this `code`. Where any of that
differs it is worth nothing. From its `window_bars` bars from `window_from` on and those after it
everything else can be computed again.
"""
