"""Bring table gaps up to date with the bars of some symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from lake.market.gaps import gaps_of
from lake.market.sessions import calendar
from lake.store.catalog import connect
from lake.store.lake import Change, Lake
from lake.store.tables import TABLES

CHUNK = 200
"""Symbols whose sessions are held in memory at once."""

_SESSIONS = """
SELECT symbol, list(DISTINCT session ORDER BY session) AS sessions FROM bars
WHERE timeframe = ? AND source <> 'derived' AND symbol IN (SELECT unnest(?))
GROUP BY symbol ORDER BY symbol
"""
_FILLED = """
SELECT symbol, timeframe, first_missing FROM lake.gaps
WHERE superseded_at IS NULL AND timeframe = ? AND symbol IN (SELECT unnest(?))
EXCEPT SELECT symbol, timeframe, first_missing FROM found
"""


def record_gaps(
    lake: Lake, timeframe: str, symbols: Sequence[str], exchanges: Mapping[str, str], known_at: datetime
) -> Change:
    """Record the sessions that symbols lack in a timeframe, and close the gaps that were filled."""
    con = connect(lake)
    names = sorted(symbols)
    rows: list[dict[str, object]] = []
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        held = con.execute(_SESSIONS, [timeframe, chunk]).to_arrow_table()
        for symbol, days in zip(held["symbol"].to_pylist(), held["sessions"], strict=True):
            own = days.values.cast(pa.int32()).to_numpy().astype("datetime64[D]")
            rows += [
                {
                    "symbol": symbol,
                    "timeframe": timeframe,
                    "first_missing": gap.first_missing.item(),
                    "last_missing": gap.last_missing.item(),
                    "sessions": gap.sessions,
                }
                for gap in gaps_of(own, calendar(exchanges[symbol]))
            ]
    spec = TABLES["gaps"]
    schema = pa.schema([field for field in spec.schema if field.name not in ("known_at", "superseded_at")])
    found = pa.Table.from_pylist(rows, schema=schema)
    con.register("found", found)
    return lake.upsert("gaps", found, known_at, con.execute(_FILLED, [timeframe, names]).to_arrow_table())
