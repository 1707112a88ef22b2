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
from lake.market.bars import ARRAYS, Actions, Bars
from lake.store.duck import arrow_of
from lake.store.narrow import only
from lake.universe import DERIVED

CHUNK = 200
"""Symbols that are held in memory at once."""

BAR_HASH = "hash(ts, closes_at, session, open, high, low, close, volume, price_basis)"
"""Of a complete bar all that its columns may rest on, as SQL."""

Hashes = NDArray[np.uint64]
Columns = dict[str, NDArray[Any]]

_ASKED = "(SELECT unnest($symbols) AS symbol, unnest(range(len($symbols)))::INTEGER AS place)"
"""The symbols asked for and their places: numbers are found and sorted sooner than names."""

_BARS = f"""
SELECT place, ts, closes_at, session, open, high, low, close, volume,
       is_complete, quality = 'suspect' AS is_suspect, price_basis = 'split' AS is_split_basis{{extra}}
FROM bars JOIN {_ASKED} USING (symbol) WHERE timeframe = $timeframe AND {{condition}}
"""
_DELIVERED = f"source <> '{DERIVED}'"
_NEWEST = """
SELECT * FROM ({bars}) QUALIFY row_number() OVER (PARTITION BY place ORDER BY ts DESC) <= {newest}
"""
_SINCE = """
SELECT b.* FROM ({bars}) AS b JOIN (SELECT unnest(range(len($since))) AS place, unnest($since) AS since) AS s
ON s.place = b.place AND b.ts >= s.since
"""
_ACTIONS = f"""
SELECT place, ex_date, kind, value FROM actions JOIN {_ASKED} USING (symbol) WHERE is_applied
ORDER BY place, ex_date, kind
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
        for bars, actions, _ in _histories(
            con, _rows_of(con, query, timeframe, chunk, since), timeframe, chunk
        ):
            yield bars, actions


def read_hashed(
    con: duckdb.DuckDBPyConnection, timeframe: str, symbols: Sequence[str]
) -> Iterator[tuple[Bars, Actions, Hashes]]:
    """Yield the histories of symbols as `read_history` does, all at once, with a hash of each bar."""
    query, names = _BARS.format(condition="true", extra=f", {BAR_HASH} AS bar_hash"), sorted(symbols)
    for bars, actions, rows in _histories(
        con, _rows_of(con, query, timeframe, names, None), timeframe, names
    ):
        yield bars, actions, rows["bar_hash"]


def _histories(
    con: duckdb.DuckDBPyConnection, found: Columns, timeframe: str, symbols: Sequence[str]
) -> Iterator[tuple[Bars, Actions, Columns]]:
    actions = read_actions(con, symbols)
    for symbol, rows in _by_symbol(found, symbols, "ts"):
        own = actions.get(symbol, Actions.none())
        yield _as_traded(_bars(symbol, timeframe, rows), rows, own), own, rows


def _rows_of(
    con: duckdb.DuckDBPyConnection,
    query: str,
    timeframe: str,
    symbols: list[str],
    since: Mapping[str, datetime] | None,
) -> Columns:
    asked: dict[str, Any] = {"timeframe": timeframe, "symbols": symbols}
    if since is not None:
        asked["since"] = [since[symbol] for symbol in symbols]
        # The least of them as a literal: the files before it are then not even opened.
        least = f"ts >= '{min(asked['since']).isoformat()}'::TIMESTAMPTZ AND timeframe = $timeframe"
        query = _SINCE.format(bars=query.replace("timeframe = $timeframe", least))
    with only(con, symbols):
        return _columns(arrow_of(con, query, asked))


def read_actions(con: duckdb.DuckDBPyConnection, symbols: Sequence[str]) -> dict[str, Actions]:
    """Return the actions that apply to symbols; those that had none are left out."""
    names = sorted(set(symbols))
    rows = _columns(con.execute(_ACTIONS, {"symbols": names}).to_arrow_table())
    return {symbol: _actions(own) for symbol, own in _by_symbol(rows, names, "ex_date")}


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
            f"expected symbols of this lake, found {_some(missing)}; it has {_some(names) or 'none'}: "
            "run `lake ingest` first"
        )
    return sorted({symbol_of[name] for name in symbols})


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (" …" if len(names) > 10 else "")


def symbol_names(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the lake's symbol of each name that means one: its own, and its aliases where none has them."""
    listed = con.execute("SELECT symbol, aliases FROM symbols").fetchall()
    symbol_of = {alias: symbol for symbol, aliases in listed for alias in (aliases or "").split(",") if alias}
    return symbol_of | {symbol: symbol for symbol, _ in listed}


def _columns(rows: pa.Table) -> Columns:
    return {name: rows[name].to_numpy() for name in rows.column_names}


def _by_symbol(columns: Columns, symbols: Sequence[str], time: str) -> Iterator[tuple[str, Columns]]:
    """Yield each symbol that has rows, and they without their places, in the order of a column of times.

    What is yielded is a copy, so it does not keep the rows of all others in memory. Files come in the order
    of their years and are sorted, so that bringing symbols together is nearly always all there is to do:
    DuckDB, which would move whole rows about, takes four times as long.
    """
    held = {name: values for name, values in columns.items() if name != "place"}
    place = columns["place"].astype(np.min_scalar_type(len(symbols)))
    order = np.argsort(place, kind="stable")  # of up to 16 bits they are counted, not compared
    place, moment = place[order], held[time][order]
    if ((moment[1:] < moment[:-1]) & (place[1:] == place[:-1])).any():
        order = order[np.lexsort((moment, place))]
    ends = np.searchsorted(place, np.arange(len(symbols)), side="right").tolist()
    for symbol, start, end in zip(symbols, [0, *ends], ends, strict=False):
        if start < end:
            own = order[start:end]
            yield symbol, {name: values.take(own) for name, values in held.items()}


def _bars(symbol: str, timeframe: str, rows: Columns) -> Bars:
    return Bars(symbol, timeframe, **{name: rows[name] for name in ARRAYS})


def _actions(rows: Columns) -> Actions:
    is_split, dates, values = rows["kind"] == "split", rows["ex_date"], rows["value"]
    return Actions(dates[is_split], values[is_split], dates[~is_split], values[~is_split])


def _as_traded(bars: Bars, rows: Columns, actions: Actions) -> Bars:
    delivered_split = rows["is_split_basis"]
    if not delivered_split.any() or not len(actions.split_dates):
        return bars
    known = actions.up_to(bars.session[-1])
    return bars.rescaled(np.where(delivered_split, 1.0 / split_factor(bars.session, known), 1.0))
