"""The files of table features: series that are out of date, computed by several threads, in one commit."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from deltalake.transaction import AddAction, RemoveAction

from lake.market.bars import Times
from lake.memory import keep_freed_memory
from lake.steps.feature_rows import Work, feature_rows
from lake.steps.pending import Pending, inputs_now, inputs_stored, out_of_date_from
from lake.store.digest import digest
from lake.store.encoding import ROW_GROUP
from lake.store.lake import Lake
from lake.store.reads import read_hashed
from lake.store.rewrite import ALWAYS, Rewrite, Span
from lake.store.tables import TABLES

_Item = TypeVar("_Item")

FILE_ROWS = 100_000
"""Rows of one file at least, where there are so many: what a correction of one symbol rewrites."""

FILE_BARS = 10 * FILE_ROWS
"""Bars with which a file ends however few its rows: one day more is computed from all days before."""


@dataclass(slots=True)
class Stale:
    """Stored rows that give way: for each timeframe and symbol their time, and how many in all."""

    spans: dict[str, dict[str, Span]] = field(default_factory=dict)
    rows: int = 0

    def add(self, series: Pending, span: Span, rows: int) -> None:
        """Enter one series' rows of a time."""
        if rows:
            self.spans.setdefault(series.timeframe, {})[series.symbol] = span
            self.rows += rows

    def add_from(self, series: Pending, held: Times, moment: np.datetime64) -> None:
        """Enter one series' rows, whose times are `held`, from `moment` on."""
        self.add(series, (moment, ALWAYS[1]), len(held) - int(np.searchsorted(held, moment)))


def write_features(lake: Lake, con: duckdb.DuckDBPyConnection, pending: Sequence[Pending]) -> dict[str, int]:
    """Write what is out of date of `pending` in one commit, and return how many series and rows that were.

    Bars of `lake_chunk` symbols, and what `lake_threads` make of a file each, are in memory at once.

    Raises:
        CommitFailedError: somebody else has committed features meanwhile.
    """
    keep_freed_memory()
    table, rewrite = lake.table("features"), Rewrite(lake.root, TABLES["features"])
    stale, written, series = Stale(), 0, set[tuple[str, str]]()
    actions: list[AddAction | RemoveAction] = []
    threads = lake.settings.lake_threads or os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[AddAction | None]] = deque()
        for timeframe, works in _files(con, pending, lake.settings.lake_chunk, stale):
            written += sum(map(len, works))
            series |= {(timeframe, work.bars.symbol) for work in works}
            running.append(pool.submit(_write_file, rewrite, timeframe, works))
            if len(running) > threads:  # what waits to be computed is in memory too
                actions += filter(None, [running.popleft().result()])
        actions += filter(None, [each.result() for each in running])
    series |= {(timeframe, symbol) for timeframe, spans in stale.spans.items() for symbol in spans}
    actions += rewrite.drop(table, stale.spans)
    if actions:
        rewrite.commit(table, actions)
    return {"series": len(series), "written": written, "replaced": stale.rows}


def write_between(
    lake: Lake, con: duckdb.DuckDBPyConnection, pending: Sequence[Pending], span: Span
) -> dict[str, int]:
    """Write the rows of `pending` that begin within a time, in one commit; none if they stand there.

    Rows that may come after others which stay out of date carry no hash: a whole run looks at them again.
    """
    table, rewrite = lake.table("features"), Rewrite(lake.root, TABLES["features"])
    schema = TABLES["features"].schema
    stale, written, series = Stale(), 0, 0
    actions: list[AddAction | RemoveAction] = []
    for each in pending:
        tables = [
            feature_rows([work if span[0] == ALWAYS[0] else replace(work, inputs=None)]).cast(schema)
            for work in _chunk(con, each.timeframe, {each.symbol: replace(each, anew=True)}, Stale())
        ]
        rows = within(pa.concat_tables([schema.empty_table(), *tables]), span)
        old = _held(con, each, span)
        series += bool(tables) or old.num_rows > 0
        if digest(old) != digest(rows):
            stale.add(each, span, old.num_rows)
            written += rows.num_rows
            actions += filter(None, [rewrite.write(each.timeframe, [rows])])
    actions += rewrite.drop(table, stale.spans)
    if actions:
        rewrite.commit(table, actions)
    return {"series": series, "written": written, "replaced": stale.rows}


def within(rows: pa.Table, span: Span) -> pa.Table:
    """Return the rows that begin within a time."""
    ts = rows["ts"].cast(pa.int64()).to_numpy().astype("datetime64[us]")
    return rows.filter(pa.array((span[0] <= ts) & (ts < span[1])))


def _held(con: duckdb.DuckDBPyConnection, series: Pending, span: Span) -> pa.Table:
    """Return a series' stored rows of a time."""
    query = "SELECT * FROM lake.features WHERE timeframe = ? AND symbol = ? ORDER BY ts"
    rows = con.execute(query, [series.timeframe, series.symbol]).to_arrow_table()
    return within(rows.cast(TABLES["features"].schema), span)


def batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield items, so many at a time."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def works_of(
    con: duckdb.DuckDBPyConnection, pending: Sequence[Pending], chunk: int, stale: Stale
) -> Iterator[Work]:
    """Yield what is to be written of `pending`, so many symbols at a time, and enter what gives way."""
    for timeframe, group in groupby(pending, lambda each: each.timeframe):
        for series in batches(group, chunk):
            yield from _chunk(con, timeframe, {each.symbol: each for each in series}, stale)


def _chunk(
    con: duckdb.DuckDBPyConnection, timeframe: str, pending: dict[str, Pending], stale: Stale
) -> Iterator[Work]:
    with_rows = [each.symbol for each in pending.values() if each.has_rows]
    stored = inputs_stored(con, timeframe, with_rows) if with_rows else {}
    for bars, actions, hashes in read_hashed(con, timeframe, list(pending)):
        series, inputs = pending[bars.symbol], inputs_now(pending[bars.symbol], bars, hashes)
        first = 0
        if bars.symbol in stored:
            held, known = stored.pop(bars.symbol)
            ts = bars.ts[bars.is_complete]
            moment = held[0] if series.anew else out_of_date_from(ts, inputs, held, known)
            stale.add_from(series, held, moment)
            first = int(np.searchsorted(ts, moment))
        if first < len(inputs):
            yield Work(bars, actions, inputs, first)
    for symbol, (held, _) in stored.items():  # all their bars are gone
        stale.add_from(pending[symbol], held, held[0])


def _files(
    con: duckdb.DuckDBPyConnection, pending: Sequence[Pending], chunk: int, stale: Stale
) -> Iterator[tuple[str, deque[Work]]]:
    """Yield what goes into one file each."""
    for timeframe, works in groupby(works_of(con, pending, chunk, stale), lambda each: each.bars.timeframe):
        yield from ((timeframe, file) for file in _filled(works))


def _filled(works: Iterable[Work]) -> Iterator[deque[Work]]:
    """Yield works together until they have rows enough for a file, or are computed from bars enough."""
    waiting, rows_left, bars_left = deque[Work](), FILE_ROWS, FILE_BARS
    for work in works:
        waiting.append(work)
        rows_left, bars_left = rows_left - len(work), bars_left - len(work.bars)
        if min(rows_left, bars_left) <= 0:
            yield waiting
            waiting, rows_left, bars_left = deque(), FILE_ROWS, FILE_BARS
    if waiting:
        yield waiting


def _write_file(rewrite: Rewrite, timeframe: str, works: deque[Work]) -> AddAction | None:
    return rewrite.write(timeframe, _row_groups(works))


def _row_groups(works: deque[Work]) -> Iterator[pa.Table]:
    """Yield the rows of works, as many together as have the bars of a row group.

    They are taken out of `works`: else the bars of each would be in memory until the file is written.
    """
    while works:
        yield feature_rows(_taken(works))


def _taken(works: deque[Work]) -> list[Work]:
    taken, bars_left = list[Work](), ROW_GROUP
    while works and bars_left > 0:
        taken.append(works.popleft())
        bars_left -= len(taken[-1].bars)
    return taken
