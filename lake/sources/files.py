"""Bars from Parquet or CSV files with columns symbol, ts, open, high, low, close, volume.

Optional: adj_close, dividend, split, and interval or timeframe. A time without zone is UTC. Weekly
files do not say on which day an action took effect: theirs serve to judge the bars and no more.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from lake.errors import BadFile, BadInput
from lake.market.symbols import is_symbol, parse_symbol
from lake.market.timeframes import INTRADAY_MINUTES, kind_of
from lake.sources.base import (
    BAR_COLUMNS,
    BARS_SCHEMA,
    NO_SYMBOL,
    Fetched,
    IngestRequest,
    actions_table,
)
from lake.store.duck import open_duckdb

REQUIRED = ("symbol", *BAR_COLUMNS)
_ENDINGS = (".parquet", ".csv", ".csv.gz")


class FilesSource:
    """One file, or every Parquet and CSV file of a folder and its sub-folders."""

    def offered(self, request: IngestRequest) -> Sequence[str]:
        """Return the symbols that the files have in the request's timeframe.

        Raises:
            BadFile: a file is unreadable or lacks a column.
            BadInput: there is no file, or none has bars of that timeframe.
        """
        found: set[str] = set()
        others: set[str] = set()
        with _connection() as con:
            for path in _files(request):
                for symbol, timeframe in con.execute(_distinct(con, path, request)).fetchall():
                    if timeframe == request.timeframe or not is_symbol(symbol):
                        found.add(symbol)
                    else:
                        others.add(timeframe)
        symbols = sorted(filter(is_symbol, found))
        if found and not symbols and not others:
            parse_symbol(min(found))
        if not symbols:
            has = f"bars of {', '.join(sorted(others))}; name one with --timeframe" if others else "no rows"
            raise BadInput(f"expected {request.timeframe} bars in {request.path}, found {has}")
        return [NO_SYMBOL, *symbols] if len(symbols) < len(found) else symbols

    def fetch(self, request: IngestRequest, symbols: Sequence[str]) -> Iterator[Fetched]:
        """Yield each symbol's rows of all files, in the order of the files' names and rows."""
        with _connection() as con:
            parts = [_part(con, path, request, symbols) for path in _files(request)]
        rows = pa.concat_tables(parts)
        order = np.argsort(rows["position"].to_numpy(), kind="stable")
        counts = np.bincount(rows["position"].to_numpy(), minlength=len(symbols))
        rows = rows.take(pa.array(order))
        for symbol, end, count in zip(symbols, np.cumsum(counts), counts, strict=True):
            yield _fetched(symbol, rows.slice(end - count, count), request)


def timeframes_of(path: str) -> list[str]:
    """Return the intraday timeframes that files say they have bars of, the shortest first.

    Raises:
        BadFile: a file is unreadable or lacks a column.
        BadInput: there is no file, one does not say of which timeframe its bars are, or none is intraday.
    """
    found: set[str] = set()
    request = IngestRequest("files", path=path)
    with _connection() as con:
        for file in _files(request):
            if not {"timeframe", "interval"} & set(_columns(con, file)):
                raise BadInput(
                    f"expected a column timeframe or interval in {file}, found none; add --timeframe"
                )
            found |= {name for _, name in con.execute(_distinct(con, file, request)).fetchall()}
    wanted = [name for name in INTRADAY_MINUTES if name in found]
    if not wanted:
        raise BadInput(f"expected intraday bars in {path}, found {', '.join(sorted(found)) or 'no rows'}")
    return wanted


def _connection() -> duckdb.DuckDBPyConnection:
    return open_duckdb(threads=1)


def _files(request: IngestRequest) -> list[Path]:
    if not request.path:
        raise BadInput("expected --path with a file or folder for source files, found none; add --path PATH")
    path = Path(request.path).expanduser()
    if path.is_file():
        return [path]
    files = [file for file in sorted(path.rglob("*")) if file.name.lower().endswith(_ENDINGS)]
    if not files:
        kind = "no Parquet or CSV file in it" if path.is_dir() else "no such file or folder"
        raise BadInput(f"expected Parquet or CSV files at {path}, found {kind}; correct --path")
    return files


def _scan(path: Path) -> str:
    quoted = str(path).replace("'", "''")
    if path.name.lower().endswith(".parquet"):
        return f"read_parquet('{quoted}', file_row_number = false)"
    # Everything as text first: one unreadable cell is a bad row, not a bad file.
    return f"read_csv('{quoted}', header = true, all_varchar = true, ignore_errors = false)"


def _columns(con: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    if path.stat().st_size == 0 or _holds_nothing(path):
        raise BadFile(f"expected bars in {path}, found an empty file; fetch it again")
    try:
        found = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {_scan(path)}").fetchall()]
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise BadFile(f"expected a readable Parquet or CSV file, found in {path}: {reason}") from error
    if missing := [name for name in REQUIRED if name not in found]:
        raise BadFile(
            f"expected columns {', '.join(REQUIRED)} in {path}, found {', '.join(found)}; "
            f"add {', '.join(missing)} or name them so"
        )
    return found


def _holds_nothing(path: Path) -> bool:
    if not path.name.lower().endswith(".gz"):
        return False
    try:
        with gzip.open(path) as stream:
            return not stream.read(1)
    except (OSError, EOFError) as error:
        raise BadFile(f"expected a readable Parquet or CSV file, found in {path}: {error}") from error


def _timeframe(columns: Sequence[str], request: IngestRequest) -> str:
    for name in ("timeframe", "interval"):
        if name in columns:
            return f"CAST({name} AS VARCHAR)"
    return f"'{request.timeframe}'"


def _distinct(con: duckdb.DuckDBPyConnection, path: Path, request: IngestRequest) -> str:
    timeframe = _timeframe(_columns(con, path), request)
    return f"SELECT DISTINCT coalesce(symbol, ''), {timeframe} FROM {_scan(path)}"


def _part(
    con: duckdb.DuckDBPyConnection, path: Path, request: IngestRequest, symbols: Sequence[str]
) -> pa.Table:
    """Return one file's rows of some symbols, with each symbol's `position` among them."""
    stray = [name for name, _ in con.execute(_distinct(con, path, request)).fetchall() if not is_symbol(name)]
    query = _rows(con, path, request)
    return con.execute(
        query, {"symbols": list(symbols), "stray": stray, "timeframe": request.timeframe}
    ).to_arrow_table()


def _rows(con: duckdb.DuckDBPyConnection, path: Path, request: IngestRequest) -> str:
    columns = _columns(con, path)
    numbers = ", ".join(f"TRY_CAST({name} AS DOUBLE) AS {name}" for name in BAR_COLUMNS[1:])
    extras = ", ".join(
        f"TRY_CAST({name} AS DOUBLE) AS {name}" if name in columns else f"NULL::DOUBLE AS {name}"
        for name in ("adj_close", "dividend", "split")
    )
    unread = " OR ".join(
        f"(TRY_CAST({name} AS {kind}) IS NULL)"
        for name, kind in (("ts", "TIMESTAMPTZ"), *((name, "DOUBLE") for name in BAR_COLUMNS[1:]))
    )
    # Rows without a symbol may be lines of another table, such as a second header: any timeframe is theirs.
    is_stray = "list_contains($stray::VARCHAR[], coalesce(symbol, ''))"
    return (
        f"SELECT list_position($symbols, CASE WHEN {is_stray} THEN '{NO_SYMBOL}' ELSE symbol END) - 1 "
        f"AS position, TRY_CAST(ts AS TIMESTAMPTZ) AS ts, {numbers}, "
        f"CASE WHEN {unread} OR {is_stray} THEN CAST(to_json(source) AS VARCHAR) END AS delivered, {extras} "
        f"FROM {_scan(path)} AS source "
        f"WHERE position IS NOT NULL AND ({_timeframe(columns, request)} = $timeframe OR {is_stray})"
    )


def _fetched(symbol: str, rows: pa.Table, request: IngestRequest) -> Fetched:
    ratio = np.asarray(rows["split"].to_numpy(), dtype=float)
    applied = np.where(ratio > 0, ratio, 1.0)
    dividend = np.asarray(rows["dividend"].to_numpy(), dtype=float)
    if request.price_basis == "split":  # the column then tells what was applied, not what is to be applied
        ratio = np.ones(len(rows))
    if kind_of(request.timeframe) == "weekly":
        ratio, dividend = np.ones(len(rows)), np.zeros(len(rows))
    elif request.price_basis == "raw":
        applied = np.ones(len(rows))
    bars = rows.select(BARS_SCHEMA.names).cast(BARS_SCHEMA)
    for name, column in (("adj_close", rows["adj_close"]), ("applied_split", pa.array(applied))):
        bars = bars.append_column(name, column)
    return Fetched(
        symbol=symbol,
        name=None,
        bars=bars,
        actions=actions_table(rows["ts"], ratio, dividend),
    )
