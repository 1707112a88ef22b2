"""Which features are out of date: found by comparing what rows were computed from with what there is now.

No file says how far a run came, and no time of learning decides: a killed run, a resumed ingest that
lands rows under its first `known_at`, or rows that somebody removed are all found by their hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from lake.features.version import columns_version
from lake.market.bars import Times
from lake.steps.feature_rows import Inputs
from lake.store.reads import BAR_HASH, Hashes

_WRAP = 1 << 64

_PENDING = f"""
WITH present AS (
    SELECT symbol, timeframe, count(*) FILTER (is_complete) AS bars,
           coalesce(sum({{bar_hash}}) FILTER (is_complete), 0) AS bars_hash, max(session) AS last_session
    FROM bars
    WHERE timeframe IN (SELECT unnest($timeframes)) AND symbol IN (SELECT unnest($symbols))
    GROUP BY ALL
),
splits AS (
    SELECT symbol, ex_date, hash(ex_date, value) AS split_hash
    FROM actions WHERE kind = 'split' AND is_applied
),
based AS (
    SELECT p.symbol, p.timeframe, p.bars, p.bars_hash, coalesce(sum(s.split_hash), 0) AS base
    FROM present AS p
    LEFT JOIN splits AS s ON s.symbol = p.symbol AND s.ex_date <= p.last_session
    GROUP BY ALL
),
stored AS (
    SELECT symbol, timeframe, count(*) AS rows, count(inputs) AS followed, arg_max(inputs, ts) AS newest
    FROM lake.features
    WHERE timeframe IN (SELECT unnest($timeframes)) AND symbol IN (SELECT unnest($symbols))
    GROUP BY ALL
)
SELECT timeframe, symbol, (coalesce(b.base, 0) % {_WRAP})::UBIGINT AS base,
       coalesce(b.bars, 0) AS bars, coalesce(s.rows, 0) AS rows, s.followed,
       (coalesce(b.bars_hash + b.base, 0) % {_WRAP})::UBIGINT AS wanted, s.newest
FROM based AS b
FULL JOIN stored AS s USING (symbol, timeframe)
WHERE coalesce(b.bars, 0) + coalesce(s.rows, 0) > 0
ORDER BY timeframe, symbol
"""
_ANY_STORED = """
SELECT 1 FROM lake.features
WHERE timeframe IN (SELECT unnest($timeframes)) AND symbol IN (SELECT unnest($symbols)) LIMIT 1
"""
_STORED = """
SELECT symbol, ts, inputs FROM lake.features
WHERE timeframe = ? AND symbol IN (SELECT unnest(?)) ORDER BY symbol, ts
"""


@dataclass(frozen=True, slots=True)
class Pending:
    """One series whose stored features are not those of its bars.

    `base` is what the hash of every row starts from: the splits that count, and the columns' version.
    With `anew` its rows are written again whatever their hashes.
    """

    timeframe: str
    symbol: str
    base: int
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
    bars before it, is today's. It costs one scan of the bars and one of three columns of the features.
    """
    version = columns_version()
    asked = {"timeframes": list(timeframes), "symbols": list(symbols)}
    # Before the first run there is nothing to compare with.
    query = _PENDING.format(bar_hash=BAR_HASH if con.execute(_ANY_STORED, asked).fetchone() else "0::UBIGINT")
    rows = con.execute(query, asked).fetchall()
    found = {
        (timeframe, symbol): Pending(timeframe, symbol, (base + version) % _WRAP, stored > 0, full)
        for timeframe, symbol, base, bars, stored, followed, wanted, newest in rows
        if full or not bars == stored == followed or _signed((wanted + version) % _WRAP) != newest
    }
    order = {name: place for place, name in enumerate(timeframes)}
    return [found[key] for key in sorted(found, key=lambda key: (order[key[0]], key[1]))]


def inputs_now(series: Pending, hashes: Hashes) -> Inputs:
    """Return the hash that each complete bar's row should carry, from the bars' own."""
    return (np.cumsum(hashes, dtype=np.uint64) + np.uint64(series.base)).view(np.int64)


def inputs_stored(
    con: duckdb.DuckDBPyConnection, timeframe: str, symbols: Sequence[str]
) -> dict[str, tuple[Times, pa.Array]]:
    """Return the times and hashes of stored rows, by symbol."""
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
