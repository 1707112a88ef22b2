"""Made-up minutes as a file to replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lake.market.candles import Candle
from lake.market.sessions import calendar
from lake.sources.simulation import session_candles

FIRST = np.datetime64("2024-03-04")


def made_up(symbols: int, sessions: int, seed: int) -> list[tuple[str, Candle]]:
    """Return the minutes of some symbols in consecutive sessions, in order of time."""
    days = calendar("XNYS")
    names = [f"K{number:02d}" for number in range(symbols)]
    start = int(np.searchsorted(days.sessions, FIRST))
    closes: dict[str, float] = {}
    found: list[tuple[str, Candle]] = []
    for session in days.sessions[start : start + sessions]:
        feed = session_candles(names, session, closes, seed, dict.fromkeys(names, days)).feed()
        closes |= {symbol: candle.close for symbol, candle in feed}
        found += feed
    return found


def record(feed: list[tuple[str, Candle]], path: Path) -> Path:
    """Write candles as a file that `replay` reads, and return it."""
    rows = [
        {
            "symbol": symbol,
            "timeframe": candle.timeframe,
            "ts": candle.ts,
            **{name: getattr(candle, name) for name in ("open", "high", "low", "close", "volume")},
        }
        for symbol, candle in feed
    ]
    table = pa.Table.from_pylist(rows)
    ts = table["ts"].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    pq.write_table(table.set_column(table.column_names.index("ts"), "ts", ts), path)
    return path
