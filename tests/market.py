"""Real series of the shared market data, as bars."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from lake.market.adjust import adjusted
from lake.market.bars import Actions, Bars, Floats
from lake.market.sessions import calendar
from lake.market.timeframes import intraday_length
from tests.builders import actions as actions_of

RAW = ("AAPL", "BA", "CAT", "F", "IBM", "MSFT")
SPLIT_ADJUSTED = ("SPY", "XOM")
DAILY = (*RAW, *SPLIT_ADJUSTED)
"""Symbols with a daily history; those of `RAW` come with their splits."""


def real_daily(folder: Path, symbol: str) -> tuple[Bars, Actions]:
    """Return a symbol's daily bars as its file has them, and its splits."""
    rows = pyarrow.parquet.read_table(folder / "daily" / f"{symbol}.parquet").to_pydict()
    bars = bars_of(symbol, "1d", rows)
    ratios = rows["split"] if symbol in RAW else []
    dated = zip(bars.session.astype(str), ratios, strict=False)
    return bars, actions_of(splits=[(day, ratio) for day, ratio in dated if ratio not in (None, 1.0)])


def split_adjusted(folder: Path, symbol: str) -> Bars:
    """Return a symbol's daily bars on the split basis."""
    return adjusted(*real_daily(folder, symbol), "split")


def bars_of(symbol: str, timeframe: str, rows: dict[str, list[Any]]) -> Bars:
    """Return complete, clean bars from columns `ts, open, high, low, close, volume`."""
    ts = np.array([moment.replace(tzinfo=None) for moment in rows["ts"]], dtype="datetime64[us]")
    return Bars(
        symbol=symbol,
        timeframe=timeframe,
        ts=ts,
        closes_at=ts + np.timedelta64(21, "h"),
        session=ts.astype("datetime64[D]"),
        is_complete=np.ones(len(ts), dtype=bool),
        is_suspect=np.zeros(len(ts), dtype=bool),
        **{name: np.array(rows[name], dtype=float) for name in ("open", "high", "low", "close", "volume")},
    )


def table_of_csv(path: Path) -> dict[str, Floats]:
    """Return the numeric columns of a CSV file by name, NaN where a cell is blank."""
    rows = pyarrow.csv.read_csv(path)
    return {
        name: rows[name].cast("float64").fill_null(np.nan).to_numpy()
        for name in rows.column_names
        if pyarrow.types.is_floating(rows[name].type) or pyarrow.types.is_integer(rows[name].type)
    }


def real_minutes(file: Path, exchange: str) -> dict[str, Bars]:
    """Return the intraday bars of a file by symbol, timed as ingestion does, extended hours too."""
    table = pyarrow.parquet.read_table(file)
    found = {}
    for symbol in sorted(set(table["symbol"].to_pylist())):
        rows = table.filter(pyarrow.compute.equal(table["symbol"], symbol)).sort_by("ts")
        found[symbol] = _timed(bars_of(symbol, rows["interval"][0].as_py(), rows.to_pydict()), exchange)
    return found


def _timed(bars: Bars, exchange: str) -> Bars:
    days = calendar(exchange)
    number = np.searchsorted(days.opens_at, bars.ts, side="right") - 1
    ends = np.minimum(bars.ts + np.timedelta64(intraday_length(bars.timeframe), "us"), days.closes_at[number])
    return replace(bars, closes_at=ends, session=days.sessions[number])
