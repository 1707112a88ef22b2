"""Judging and merging the rows of some chunks that were staged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from lake.config import Settings
from lake.market.timeframes import kind_of
from lake.sources.base import IngestRequest
from lake.sources.intake import bars_table
from lake.steps.gaps import record_gaps
from lake.steps.judgement import Judge, Judged, open_judge, staged_schema
from lake.store.catalog import connect
from lake.store.lake import Change, Lake
from lake.store.tables import TABLES
from lake.store.vanished import vanished_keys
from lake.universe import SIMULATED, YAHOO


@dataclass(frozen=True, slots=True)
class GroupMerge:
    """One group of staged rows by table, on its way into the lake under `known_at`.

    `counts` takes what was staged, inserted and closed of each table.
    """

    settings: Settings
    lake: Lake
    request: IngestRequest
    group: dict[str, pa.Table]
    known_at: datetime
    counts: dict[str, dict[str, int]]

    def run(self) -> None:
        """Merge what was staged, and what it changes of verdicts on bars of the other table."""
        for name in ("symbols", "quarantine"):
            self._upsert(name, self.group[name])
        table, has_news = bars_table(self.request.timeframe), self.group["actions"].num_rows > 0
        for each in ("bars", "candles"):
            if each == table:
                has_news = self._merge_bars(table)
            elif has_news:
                has_news = self._judge_anew(each)

    def _merge_bars(self, table: str) -> bool:
        """Judge and merge the staged bars; return whether any action is news."""
        con = connect(self.lake)
        vanished = _vanished(con, self.group[table], self.group["quarantine"], self.request)
        judge = open_judge(self.settings, con)
        judged = self._judged(judge, table, self.group[table], vanished)
        closing = judged.vanished_bars
        self._upsert(
            table, judged.bars, closing if vanished is None else pa.concat_tables([vanished, closing])
        )
        if kind_of(self.request.timeframe) != "weekly":
            touched = self.group["symbols"]["symbol"].to_pylist()
            change = record_gaps(self.lake, self.request.timeframe, touched, judge.exchanges, self.known_at)
            self._count("gaps", change.inserted, change)
        return judged.has_news

    def _judge_anew(self, table: str) -> bool:
        """Judge the bars of the other table by what is news of actions; return whether anything is.

        The lock is held for this only: who lands candles is not kept waiting by a long merge of days.
        """
        with self.lake.writing(table):
            judge = open_judge(self.settings, connect(self.lake))
            judged = self._judged(judge, table, staged_schema(table).empty_table())
            if judged.bars.num_rows:
                change = self.lake.upsert(table, judged.bars, self.lake.stamp(table, self.known_at))
                self._count(table, 0, change)
        return judged.has_news

    def _judged(self, judge: Judge, table: str, bars: pa.Table, vanished: pa.Table | None = None) -> Judged:
        """Return the verdicts, with those on actions merged: whoever sees bars is to see these too."""
        judged = judge.judge(table, bars, self.group["actions"], self.known_at, vanished)
        if table == "bars":
            self._upsert("actions", judged.actions, judged.vanished_actions)
        return judged

    def _upsert(self, name: str, rows: pa.Table, closing: pa.Table | None = None) -> None:
        change = self.lake.upsert(name, rows, self.known_at, closing)
        self._count(name, self.group[name].num_rows, change)

    def _count(self, name: str, staged: int, change: Change) -> None:
        entry = self.counts.setdefault(name, {"staged": 0, "inserted": 0, "closed": 0})
        entry["staged"] += staged
        entry["inserted"] += change.inserted
        entry["closed"] += change.closed


def _vanished(
    con: duckdb.DuckDBPyConnection, rows: pa.Table, aside: pa.Table, request: IngestRequest
) -> pa.Table | None:
    """Return current keys to close: for a reset, what the source delivered once and does not any more.

    What it delivered in a state that cannot be used has not vanished: the good row of before stays.
    Daily bars of a real source drive out all simulated ones of their symbols. Minutes from before
    what Yahoo keeps have not vanished.
    """
    outdated = []
    if request.mode == "reset" and not (request.start or request.end):
        outdated.append(request.source)
    if request.source != SIMULATED and kind_of(request.timeframe) == "daily":
        outdated.append(SIMULATED)
    if not outdated:
        return None
    keeps_some = request.source == YAHOO and kind_of(request.timeframe) == "intraday"
    spec = TABLES[bars_table(request.timeframe)]
    keys = pa.concat_tables([part.select(spec.key) for part in (rows, aside)])
    delivered = {SIMULATED: rows, request.source: keys}
    return pa.concat_tables(
        [vanished_keys(con, spec, delivered[name], name, keeps_some) for name in outdated]
    )
