"""Which features are out of date: found by comparing what rows were computed from with what there is now.

No file says how far a run came, and no time of learning decides: a killed run, a resumed ingest that
lands rows under its first `known_at`, or rows that somebody removed are all found by their hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from lake.features.version import columns_version
from lake.market.bars import Bars, Times
from lake.steps.feature_rows import Inputs
from lake.store.narrow import only
from lake.store.reads import BAR_HASH, Hashes

_WRAP = 1 << 64

_PENDING = f"""
WITH present AS (
    SELECT symbol, timeframe, count(*) FILTER (is_complete) AS bars,
           (coalesce(sum({BAR_HASH}) FILTER (is_complete), 0) % {_WRAP})::UBIGINT AS bars_hash,
           max(session) AS last_session
    FROM bars
    WHERE timeframe IN (SELECT unnest($timeframes)) AND symbol IN (SELECT unnest($symbols))
    GROUP BY ALL
),
stored AS (
    SELECT symbol, timeframe, count(*) AS rows, count(inputs) AS followed, arg_max(inputs, ts) AS newest
    FROM lake.features
    WHERE timeframe IN (SELECT unnest($timeframes)) AND symbol IN (SELECT unnest($symbols))
    GROUP BY ALL
)
SELECT timeframe, symbol, last_session, coalesce(p.bars, 0) AS bars, coalesce(p.bars_hash, 0) AS bars_hash,
       coalesce(s.rows, 0) AS rows, s.followed, s.newest
FROM present AS p
FULL JOIN stored AS s USING (symbol, timeframe)
WHERE coalesce(p.bars, 0) + coalesce(s.rows, 0) > 0
ORDER BY timeframe, symbol
"""
_SPLITS = """
SELECT symbol, ex_date, hash(ex_date, value) AS split_hash FROM actions
WHERE kind = 'split' AND is_applied AND symbol IN (SELECT unnest(?)) ORDER BY ALL
"""
_ANY_STORED = """
SELECT 1 FROM lake.features
WHERE timeframe IN (SELECT unnest($timeframes)) AND symbol IN (SELECT unnest($symbols)) LIMIT 1
"""
_HELD = "SELECT DISTINCT timeframe FROM bars WHERE timeframe IN (SELECT unnest(?))"
_STORED = """
SELECT symbol, ts, inputs FROM lake.features
WHERE timeframe = ? AND symbol IN (SELECT unnest(?)) ORDER BY symbol, ts
"""


@dataclass(frozen=True, slots=True)
class Base:
    """What the hash of every row of a symbol starts from: the columns' version, and the splits that count."""

    version: int
    splits: tuple[tuple[date, int], ...] = ()

    def at(self, last_session: date | None) -> int:
        """Return it for bars up to a session: later splits do not count yet."""
        if last_session is None:
            return self.version
        return (self.version + sum(each for day, each in self.splits if day <= last_session)) % _WRAP


@dataclass(frozen=True, slots=True)
class Pending:
    """One series whose stored features are not those of its bars, or that may have bars and has no features.

    With `anew` its rows are written again whatever their hashes.
    """

    timeframe: str
    symbol: str
    base: Base
    has_rows: bool
    anew: bool = False


def find_pending(
    con: duckdb.DuckDBPyConnection,
    timeframes: Sequence[str],
    symbols: Sequence[str],
    full: bool = False,
) -> list[Pending]:
    """Return the series whose features are out of date, or all with `full`, timeframe by timeframe.

    A series is up to date if it has a row a complete bar, and its newest row's hash, which rests on all
    bars before it, is today's. It costs one scan of the bars and one of three columns of the features;
    before the first run there is nothing to compare with, and no bar is looked at.
    """
    bases = _bases(con, symbols)
    asked = {"timeframes": list(timeframes), "symbols": list(symbols)}
    if con.execute(_ANY_STORED, asked).fetchone() is None:
        held, names = _held(con, timeframes), sorted(symbols)
        return [Pending(timeframe, name, bases[name], False) for timeframe in held for name in names]
    found = {
        (timeframe, symbol): Pending(timeframe, symbol, bases[symbol], stored > 0, full)
        for timeframe, symbol, last, bars, bars_hash, stored, followed, newest in (
            con.execute(_PENDING, asked).fetchall()
        )
        if full
        or not bars == stored == followed
        or _signed((bars_hash + bases[symbol].at(last)) % _WRAP) != newest
    }
    order = {name: place for place, name in enumerate(timeframes)}
    return [found[key] for key in sorted(found, key=lambda key: (order[key[0]], key[1]))]


def _held(con: duckdb.DuckDBPyConnection, timeframes: Sequence[str]) -> Sequence[str]:
    """Return those of some timeframes that the lake has bars of; a single one is soon asked for in vain."""
    if len(timeframes) == 1:
        return timeframes
    held = {row[0] for row in con.execute(_HELD, [list(timeframes)]).fetchall()}
    return [timeframe for timeframe in timeframes if timeframe in held]


def _bases(con: duckdb.DuckDBPyConnection, symbols: Sequence[str]) -> dict[str, Base]:
    version, splits = columns_version(), dict[str, tuple[tuple[date, int], ...]]()
    for symbol, day, split_hash in con.execute(_SPLITS, [list(symbols)]).fetchall():
        splits[symbol] = (*splits.get(symbol, ()), (day, split_hash))
    return {symbol: Base(version, splits.get(symbol, ())) for symbol in symbols}


def inputs_now(series: Pending, bars: Bars, hashes: Hashes) -> Inputs:
    """Return the hash that each complete bar's row should carry, from the hashes of all bars."""
    base = series.base.at(bars.session[-1].item() if len(bars) else None)
    return (np.cumsum(hashes[bars.is_complete], dtype=np.uint64) + np.uint64(base)).view(np.int64)


def inputs_stored(
    con: duckdb.DuckDBPyConnection, timeframe: str, symbols: Sequence[str]
) -> dict[str, tuple[Times, pa.Array]]:
    """Return the times and hashes of stored rows, by symbol."""
    with only(con, symbols):
        rows = con.execute(_STORED, [timeframe, list(symbols)]).to_arrow_table()
    ts = rows["ts"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy().astype("datetime64[us]")
    inputs = rows["inputs"].combine_chunks()
    found, start = {}, 0
    for run in rows["symbol"].value_counts().to_pylist():
        end = start + run["counts"]
        found[run["values"]] = (ts[start:end], inputs[start:end])
        start = end
    return found


def out_of_date_from(ts: Times, now: Inputs, held: Times, hashes: pa.Array) -> np.datetime64:
    """Return the moment from which stored rows, `held` with their hashes, are not those of `ts` and `now`.

    That is after all of them where none is out of date.
    """
    both = min(len(ts), len(held))
    stored = hashes.slice(0, both)
    same = (held[:both] == ts[:both]) & (stored.fill_null(0).to_numpy() == now[:both])
    same &= stored.is_valid().to_numpy(zero_copy_only=False)
    first = both if same.all() else int(np.argmin(same))
    after = [moments[first] for moments in (held, ts) if first < len(moments)]
    return min(after, default=np.datetime64(np.iinfo(np.int64).max, "us"))


def _signed(value: int) -> int:
    return value - _WRAP if value >= _WRAP // 2 else value
