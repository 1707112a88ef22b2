"""Histories out of the lake, symbol by symbol, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.errors import UnknownSymbol
from lake.market.adjust import split_factor
from lake.market.bars import Actions, Bars, Dates, Times
from lake.universe import DERIVED

CHUNK = 200
"""Symbols that are held in memory at once."""

BAR_HASH = "hash(ts, closes_at, session, open, high, low, close, volume, price_basis)"
"""Of a complete bar all that its columns may rest on, as SQL."""

Hashes = NDArray[np.uint64]

_BARS = """
SELECT symbol, ts, closes_at, session, open, high, low, close, volume,
       is_complete, quality = 'suspect' AS is_suspect, price_basis = 'split' AS is_split_basis{extra}
FROM bars WHERE timeframe = ? AND symbol IN (SELECT unnest(?)) AND {condition}
"""
_DELIVERED = f"source <> '{DERIVED}'"
_NEWEST = """
SELECT * FROM ({bars}) QUALIFY row_number() OVER (PARTITION BY symbol ORDER BY ts DESC) <= {newest}
"""
_SINCE = """
SELECT b.* FROM ({bars}) AS b JOIN (SELECT unnest(?) AS symbol, unnest(?) AS since) AS s
ON s.symbol = b.symbol AND b.ts >= s.since
"""
_ACTIONS = """
SELECT symbol, ex_date, kind, value FROM actions
WHERE symbol IN (SELECT unnest(?)) AND is_applied ORDER BY symbol, ex_date, kind
"""


def read_history(
    con: duckdb.DuckDBPyConnection,
    timeframe: str,
    symbols: Sequence[str] | None = None,
    newest: int | None = None,
    delivered: bool = False,
    since: Mapping[str, datetime] | None = None,
) -> Iterator[tuple[Bars, Actions]]:
    """Yield each symbol's bars as traded and its actions, in the order of symbols' names.

    Rows that were delivered on the split basis are brought to as-traded terms where splits are
    known. Symbols without bars of the timeframe are left out. With `newest` these are only so many
    of the last bars, with `delivered` none that were derived, with `since` those of its symbols that
    start from its moment on.

    Raises:
        UnknownSymbol: `symbols` names one that the lake does not have.
    """
    names = known_symbols(con, symbols) if since is None else sorted(since)
    query = _BARS.format(condition=_DELIVERED if delivered else "true", extra="")
    if newest is not None:
        query = _NEWEST.format(bars=query, newest=newest)
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        found = _by_symbol(_rows_of(con, query, timeframe, chunk, since), "ts")
        for bars, actions, _ in _histories(con, found, timeframe, chunk):
            yield bars, actions


def read_hashed(
    con: duckdb.DuckDBPyConnection, timeframe: str, symbols: Sequence[str]
) -> Iterator[tuple[Bars, Actions, Hashes]]:
    """Yield the histories of symbols as `read_history` does, all at once, with a hash of each bar."""
    query = _BARS.format(condition="true", extra=f", {BAR_HASH} AS bar_hash")
    found = _by_symbol(_rows_of(con, query, timeframe, list(symbols), None), "ts")
    for bars, actions, rows in _histories(con, found, timeframe, symbols):
        yield bars, actions, rows["bar_hash"].to_numpy()


def _histories(
    con: duckdb.DuckDBPyConnection,
    found: Iterator[tuple[str, pa.Table]],
    timeframe: str,
    symbols: Sequence[str],
) -> Iterator[tuple[Bars, Actions, pa.Table]]:
    actions = read_actions(con, symbols)
    for symbol, rows in found:
        own = actions.get(symbol, Actions.none())
        yield _as_traded(_bars(symbol, timeframe, rows), rows, own), own, rows


def _rows_of(
    con: duckdb.DuckDBPyConnection,
    query: str,
    timeframe: str,
    symbols: list[str],
    since: Mapping[str, datetime] | None,
) -> pa.Table:
    if since is None:
        return con.execute(query, [timeframe, symbols]).to_arrow_table()
    moments = [since[symbol] for symbol in symbols]
    # The least of them as a literal: the files before it are then not even opened.
    after = query.replace(
        "timeframe = ?", f"ts >= '{min(moments).isoformat()}'::TIMESTAMPTZ AND timeframe = ?"
    )
    return con.execute(_SINCE.format(bars=after), [timeframe, symbols, symbols, moments]).to_arrow_table()


def read_actions(con: duckdb.DuckDBPyConnection, symbols: Sequence[str]) -> dict[str, Actions]:
    """Return the actions that apply to symbols; those that had none are left out."""
    rows = con.execute(_ACTIONS, [list(symbols)]).to_arrow_table()
    return {symbol: _actions(own) for symbol, own in _by_symbol(rows, "ex_date")}


def known_symbols(con: duckdb.DuckDBPyConnection, symbols: Sequence[str] | None = None) -> list[str]:
    """Return the lake's symbols, or `symbols` in order of name if the lake has them all.

    An alias means its symbol, unless the lake has a symbol of that very name.

    Raises:
        UnknownSymbol: it lacks one.
    """
    symbol_of = symbol_names(con)
    names = sorted(set(symbol_of.values()))
    if not symbols:
        return names
    if missing := sorted(set(symbols) - symbol_of.keys()):
        raise UnknownSymbol(
            f"expected symbols of this lake, found {', '.join(missing)}; it has "
            f"{', '.join(names[:10]) or 'none'}{' …' if len(names) > 10 else ''}: run `lake ingest` first"
        )
    return sorted({symbol_of[name] for name in symbols})


def symbol_names(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the lake's symbol of each name that means one: its own, and its aliases where none has them."""
    listed = con.execute("SELECT symbol, aliases FROM symbols").fetchall()
    symbol_of = {alias: symbol for symbol, aliases in listed for alias in (aliases or "").split(",") if alias}
    return symbol_of | {symbol: symbol for symbol, _ in listed}


def _by_symbol(rows: pa.Table, time: str) -> Iterator[tuple[str, pa.Table]]:
    """Yield each symbol and its rows in the order of a column of times, symbols by name.

    What is yielded is a copy, so it does not keep the rows of all others in memory. Files come in the order
    of their years and are sorted, so that bringing symbols together is nearly always all there is to do:
    DuckDB, which would move whole rows about, takes four times as long.
    """
    found = rows["symbol"].combine_chunks().dictionary_encode()
    names = found.dictionary.to_numpy(zero_copy_only=False)
    place = np.argsort(np.argsort(names)).astype(np.min_scalar_type(len(names)))
    symbol, moment = place[found.indices.to_numpy()], rows[time].to_numpy()
    order = np.argsort(symbol, kind="stable")  # of up to 16 bits they are counted, not compared
    symbol, moment = symbol[order], moment[order]
    if ((moment[1:] < moment[:-1]) & (symbol[1:] == symbol[:-1])).any():
        order = order[np.lexsort((moment, symbol))]
    rows = rows.drop_columns("symbol").combine_chunks()
    ends = np.searchsorted(symbol, np.arange(len(names)), side="right").tolist()
    for name, start, end in zip(np.sort(names), [0, *ends], ends, strict=False):
        yield name, rows.take(pa.array(order[start:end]))


def _bars(symbol: str, timeframe: str, rows: pa.Table) -> Bars:
    def column(name: str) -> Any:
        return rows[name].to_numpy()

    return Bars(
        symbol=symbol,
        timeframe=timeframe,
        ts=_micros(rows["ts"]),
        closes_at=_micros(rows["closes_at"]),
        session=_days(rows["session"]),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume=column("volume"),
        is_complete=column("is_complete").astype(bool),
        is_suspect=column("is_suspect").astype(bool),
    )


def _actions(rows: pa.Table) -> Actions:
    is_split = rows["kind"].to_numpy() == "split"
    dates, values = _days(rows["ex_date"]), rows["value"].to_numpy()
    return Actions(dates[is_split], values[is_split], dates[~is_split], values[~is_split])


def _as_traded(bars: Bars, rows: pa.Table, actions: Actions) -> Bars:
    delivered_split = rows["is_split_basis"].to_numpy().astype(bool)
    if not delivered_split.any() or not len(actions.split_dates):
        return bars
    known = actions.up_to(bars.session[-1])
    return bars.rescaled(np.where(delivered_split, 1.0 / split_factor(bars.session, known), 1.0))


def _micros(column: pa.ChunkedArray) -> Times:
    values: Times = (
        column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy().astype("datetime64[us]")
    )
    return values


def _days(column: pa.ChunkedArray) -> Dates:
    values: Dates = column.cast(pa.int32()).to_numpy().astype("datetime64[D]")
    return values
