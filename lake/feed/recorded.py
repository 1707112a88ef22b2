"""Candles that were recorded, in files or in the lake, in the order in which they became known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from lake.errors import BadInput
from lake.market.bars import VALUES
from lake.market.candles import Candle
from lake.market.timeframes import INTRADAY_MINUTES, intraday_length, kind_of
from lake.sources.base import NO_SYMBOL, IngestRequest
from lake.sources.files import FilesSource, timeframes_of

SOURCE = "files"
_MINUTE = 60_000_000

_LANDED = """
SELECT symbol, timeframe, ts, open, high, low, close, volume, source FROM candles
WHERE timeframe = ? AND (len(?::VARCHAR[]) = 0 OR symbol IN (SELECT unnest(?::VARCHAR[])))
"""


@dataclass(frozen=True, slots=True)
class Recording:
    """Recorded candles of many symbols, and rows of files that could not be read, as JSON."""

    rows: pa.Table
    unreadable: list[str] = field(default_factory=list)

    @property
    def symbols(self) -> list[str]:
        """Return whose candles there are."""
        return sorted(set(self.rows["symbol"].to_pylist()))

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def feed(self, at_once: int) -> Iterator[list[tuple[str, Candle]]]:
        """Yield closed candles by the moment they ended and then by symbol, so many at once."""
        for start in range(0, len(self), at_once):
            yield _candles(self.rows.slice(start, at_once))


def from_files(path: str, timeframe: str | None = None) -> Recording:
    """Return the candles of a file or folder, of all intraday timeframes in it or of one.

    Raises:
        BadFile: a file is unreadable or lacks a column.
        BadInput: there is no file, or none has such bars.
    """
    source, parts, unreadable = FilesSource(), [], []
    for name in [_intraday(timeframe)] if timeframe else timeframes_of(path):
        request = IngestRequest("files", path=path, timeframe=name)
        for fetched in source.fetch(request, source.offered(request)):
            is_bad = fetched.bars["delivered"].is_valid()
            unreadable += fetched.bars.filter(is_bad)["delivered"].to_pylist()
            if fetched.symbol != NO_SYMBOL:
                good = fetched.bars.filter(fetched.bars["delivered"].is_null())
                parts.append(_named(good, fetched.symbol, name))
    return Recording(_ordered(pa.concat_tables(parts)), list(dict.fromkeys(unreadable)))


def from_lake(con: duckdb.DuckDBPyConnection, timeframe: str, symbols: Sequence[str] = ()) -> Recording:
    """Return the landed candles of a timeframe, of some symbols or all.

    Raises:
        BadInput: the lake has none.
    """
    names = list(symbols)
    rows = con.execute(_LANDED, [_intraday(timeframe), names, names]).to_arrow_table()
    if not rows.num_rows:
        raise BadInput(f"expected {timeframe} candles in the lake, found none; ingest or replay some first")
    return Recording(_ordered(rows))


def _intraday(timeframe: str) -> str:
    if timeframe not in INTRADAY_MINUTES or kind_of(timeframe) != "intraday":
        raise BadInput(f"expected --timeframe as one of {', '.join(INTRADAY_MINUTES)}, found {timeframe!r}")
    return timeframe


def _named(bars: pa.Table, symbol: str, timeframe: str) -> pa.Table:
    constants = {"symbol": symbol, "timeframe": timeframe, "source": SOURCE}
    columns = {name: pa.repeat(value, bars.num_rows) for name, value in constants.items()}
    return pa.table({**columns, **{name: bars[name] for name in ("ts", *VALUES)}})


def _ordered(rows: pa.Table) -> pa.Table:
    """Return rows by their ends; of bars that end together the shorter first, then by symbol."""
    rows = rows.combine_chunks()
    lengths = {name: intraday_length(name) // intraday_length("1m") * _MINUTE for name in INTRADAY_MINUTES}
    length = np.array([lengths[name] for name in rows["timeframe"].to_pylist()], dtype=np.int64)
    ends = rows["ts"].cast(pa.int64()).to_numpy() + length
    names = np.array(rows["symbol"].to_pylist())
    return rows.take(pa.array(np.lexsort((names, length, ends))))


def _candles(rows: pa.Table) -> list[tuple[str, Candle]]:
    columns = [rows[name].to_pylist() for name in VALUES]
    starts = rows["ts"].cast(pa.int64()).to_pylist()
    found = zip(rows["timeframe"].to_pylist(), starts, *columns, strict=True)
    sources = rows["source"].to_pylist()
    candles = [
        Candle._make((*values, True, False, source)) for values, source in zip(found, sources, strict=True)
    ]
    return list(zip(rows["symbol"].to_pylist(), candles, strict=True))
