"""Which of the rows about to be merged are suspect, and which older verdicts they change.

Bars are judged with the lake's own bars around them, so that the verdict does not hang on how the
rows were cut into batches: those before, because they are what a bar is judged by, and those after,
because a bar that is filled in or corrected may change what they are worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lake.config import Settings
from lake.market.bars import Bools, Floats
from lake.market.quality import RELEASED
from lake.market.sessions import calendar
from lake.market.suspect_actions import ActionVerdict
from lake.market.suspect_bars import SUSPICIONS
from lake.sources.base import EVIDENCE
from lake.steps.around import actions_around, bars_around
from lake.steps.decisions import Decisions, read_decisions
from lake.steps.reach import reach_of
from lake.steps.reasons import Texts, action_codes, bar_reason, kept_split_steps, with_quality
from lake.steps.verdicts import Evidence, Ranks, action_verdicts, bar_codes, ex_dates, series_of
from lake.store.tables import TABLES, TableSpec
from lake.thresholds import Thresholds, read_thresholds
from lake.universe import read_universe

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows to merge, each with its quality, and the keys of current rows that a person discarded.

    There `has_news` if an action is not in the lake as it was delivered, or as a person decided.
    """

    bars: pa.Table
    actions: pa.Table
    vanished_bars: pa.Table
    vanished_actions: pa.Table
    has_news: bool


@dataclass(frozen=True, slots=True)
class Judge:
    """What verdicts rest on: the lake as it is, thresholds, decisions, sources best first."""

    con: duckdb.DuckDBPyConnection
    limits: Thresholds
    decisions: Decisions
    sources: Sequence[str]
    exchanges: Mapping[str, str]

    def judge(
        self,
        table: str,
        bars: pa.Table,
        actions: pa.Table,
        known_at: datetime,
        vanished: pa.Table | None = None,
    ) -> Judged:
        """Return staged bars of `table` and staged actions with their quality decided.

        `bars` has the columns of EVIDENCE besides those of its table; `vanished` are keys of bars
        that the same merge, of `known_at`, will close. Actions are judged with the bars of table
        `bars`; with candles they stay as they are.
        """
        discarded = self.decisions.discarded_actions(actions)
        known = actions_around(self.con, bars, actions, discarded, self.sources, known_at)
        gone_actions = self.decisions.discarded_actions(known)
        news = known.filter(pa.array(_is_news(known) | gone_actions))
        keys = [part.select(["symbol", "timeframe", "ts"]) for part in (bars, vanished) if part is not None]
        reach = reach_of(self.con, table, self.limits, pa.concat_tables(keys), news)
        discarded = self.decisions.discarded_bars(bars)
        around = bars_around(self.con, table, bars, discarded, self.sources, reach)
        dropped = self.decisions.discarded_bars(around)
        gone = dropped | _among(around, vanished)
        codes: Texts = np.full(around.num_rows, "", dtype=object)
        verdicts: list[ActionVerdict | None] = [None] * known.num_rows
        for series in _series(around, ~gone, known, ~gone_actions, table):
            evidence = self._evidence(around.take(series.rows), known.take(series.actions))
            codes[series.rows] = bar_codes(evidence, series.timeframe, self.limits)
            near = _near(series, reach, known)
            if near.any():
                days = calendar(self.exchanges[series.symbol])
                for row, verdict in action_verdicts(evidence, near, days, self.limits).items():
                    verdicts[series.actions[row]] = verdict
        return Judged(
            bars=self._bar_rows(bars, around, codes, gone),
            actions=self._action_rows(actions, known, verdicts, gone_actions),
            vanished_bars=_keys(around, dropped, TABLES[table]),
            vanished_actions=_keys(known, gone_actions, TABLES["actions"]),
            has_news=news.num_rows > 0,
        )

    def _evidence(self, bars: pa.Table, actions: pa.Table) -> Evidence:
        return Evidence(series_of(bars), self._ranks(bars), actions, self._ranks(actions))

    def _ranks(self, rows: pa.Table) -> Ranks:
        """Return the rank of each row's source, 0 the best."""
        names = rows["source"].combine_chunks().dictionary_encode()
        ranks = np.array([self.sources.index(name) for name in names.dictionary.to_pylist()], dtype=np.int64)
        found: Ranks = ranks[names.indices.to_numpy()]
        return found

    def _bar_rows(self, staged: pa.Table, around: pa.Table, codes: Texts, dropped: Bools) -> pa.Table:
        """Return the staged rows and those older ones whose verdict changed, each with its quality."""
        old = around["quality_reason"].to_pylist()
        codes = kept_split_steps(codes, old, _floats(around, "applied_split"))
        released = self.decisions.released_bars(around, codes != "")
        reasons = [bar_reason(code, was, free) for code, was, free in zip(codes, old, released, strict=True)]
        around = with_quality(around, reasons, SUSPICIONS)
        arrival = around["_arrival"].to_numpy()
        changed = np.array([new != was for new, was in zip(reasons, old, strict=True)], dtype=bool)
        is_near = around["_is_near"].fill_null(True).to_numpy().astype(bool)
        chosen = ~dropped & ((arrival >= 0) | (changed & is_near))
        names = [name for name in staged.column_names if name not in EVIDENCE]
        earlier = ~self.decisions.discarded_bars(staged)
        earlier[arrival[arrival >= 0]] = False
        # Versions of a key that the same batch supersedes keep their order, before the last one.
        rows = [staged.filter(pa.array(earlier)).select(names), around.filter(pa.array(chosen)).select(names)]
        return pa.concat_tables([part.cast(rows[0].schema) for part in rows])

    def _action_rows(
        self,
        staged: pa.Table,
        known: pa.Table,
        verdicts: Sequence[ActionVerdict | None],
        dropped: Bools,
    ) -> pa.Table:
        olds = zip(
            known["old_reason"].to_pylist(),
            (known["old_value"].to_numpy() == known["value"].to_numpy()).tolist(),
            strict=True,
        )
        codes = [
            action_codes(verdict, was if same else None)
            for verdict, (was, same) in zip(verdicts, olds, strict=True)
        ]
        released = self.decisions.released_actions(
            known, np.array([bool(each) for each in codes], dtype=bool)
        )
        reasons = [
            "; ".join(f"{RELEASED}{code}" for code in each) if free else "; ".join(each)
            for each, free in zip(codes, released, strict=True)
        ]
        arrival = known["_arrival"].to_numpy()
        old = [was or "" for was in known["quality_reason"].to_pylist()]
        changed = np.array([new != was for new, was in zip(reasons, old, strict=True)], dtype=bool)
        rows = with_quality(known, [reason or None for reason in reasons], ())
        chosen = ~dropped & ((arrival >= 0) | changed)
        earlier = ~self.decisions.discarded_actions(staged)
        earlier[arrival[arrival >= 0]] = False
        parts = [staged.filter(pa.array(earlier)), rows.filter(pa.array(chosen)).select(staged.column_names)]
        return pa.concat_tables([part.cast(staged.schema) for part in parts])


def _is_news(known: pa.Table) -> Bools:
    """Return which actions are not in the lake as they are now."""
    same = pc.and_(
        pc.equal(known["value"], known["old_value"]), pc.equal(known["source"], known["old_source"])
    )
    is_news: Bools = ~same.fill_null(False).to_numpy().astype(bool)
    return is_news


def open_judge(settings: Settings, con: duckdb.DuckDBPyConnection) -> Judge:
    """Return the judge of a lake as `con` sees it."""
    ranks = read_universe(settings.conf_folder).ranks()
    return Judge(
        con=con,
        limits=read_thresholds(settings.conf_folder),
        decisions=read_decisions(con),
        sources=sorted(ranks, key=ranks.__getitem__),
        exchanges=dict(con.execute("SELECT symbol, exchange FROM symbols").fetchall()),
    )


def staged_schema(table: str) -> pa.Schema:
    """Return the columns of bars that wait to be judged: those of their table, and EVIDENCE."""
    own = [field for field in TABLES[table].schema if field.name not in ("known_at", "superseded_at")]
    return pa.schema([*own, *(pa.field(name, pa.float64()) for name in EVIDENCE)])


def _floats(rows: pa.Table, name: str) -> Floats:
    values: Floats = rows[name].to_numpy().astype(float)
    return values


def _among(rows: pa.Table, keys: pa.Table | None) -> Bools:
    mask = np.zeros(rows.num_rows, dtype=bool)
    if keys is not None and keys.num_rows:
        wanted = set(zip(keys["symbol"].to_pylist(), keys["ts"].to_pylist(), strict=True))
        own = zip(rows["symbol"].to_pylist(), rows["ts"].to_pylist(), strict=True)
        mask[:] = [key in wanted for key in own]
    return mask


@dataclass(frozen=True, slots=True)
class _Series:
    """Bars of one symbol and timeframe, and actions of the symbol, by their rows."""

    symbol: str
    timeframe: str
    rows: Rows
    actions: Rows


def _series(
    around: pa.Table, is_bar: Bools, known: pa.Table, is_action: Bools, table: str
) -> Iterator[_Series]:
    """Yield the series of rows that are sorted by symbol and timeframe; of actions without bars too."""
    actions = {symbol: rows for (symbol,), rows in _slices(known, is_action, "symbol")}
    none: Rows = np.empty(0, dtype=np.intp)
    series = dict(_slices(around, is_bar, "symbol", "timeframe"))
    if table == "bars":
        series = {(symbol, "1d"): none for symbol in actions} | series
    for (symbol, timeframe), rows in series.items():
        yield _Series(symbol, timeframe, rows, actions.get(symbol, none))


def _slices(rows: pa.Table, chosen: Bools, *names: str) -> Iterator[tuple[tuple[str, ...], Rows]]:
    """Yield the chosen rows of each group of a table that is sorted by `names`."""
    columns = [rows[name].to_numpy() for name in names]
    differs = [column[1:] != column[:-1] for column in columns]
    edges = (np.flatnonzero(np.logical_or.reduce(differs)) + 1).tolist()
    for start, end in pairwise([0, *edges, rows.num_rows]):
        if end > start:
            key = tuple(column[start] for column in columns)
            yield key, np.flatnonzero(chosen[start:end]) + start


def _near(series: _Series, reach: pa.Table, known: pa.Table) -> Bools:
    """Return which actions of a series have all that they are judged by in view."""
    days = ex_dates(known.take(series.actions))
    is_own = pc.and_(pc.equal(reach["symbol"], series.symbol), pc.equal(reach["timeframe"], "1d"))
    own = reach.filter(is_own)
    if series.timeframe != "1d" or not own.num_rows:
        return np.zeros(len(days), dtype=bool)
    first, last = (own[name].cast(pa.date32()).to_numpy()[0] for name in ("first_near", "last_near"))
    near: Bools = (first <= days) & (days <= last)
    return near


def _keys(rows: pa.Table, dropped: Bools, spec: TableSpec) -> pa.Table:
    return rows.filter(pa.array(dropped)).select([*spec.key, *spec.partition_by])
