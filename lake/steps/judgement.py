"""Which of the rows about to be merged are suspect, and which older verdicts they change.

Bars are judged with the lake's own bars around them, so that the verdict does not hang on how the
rows were cut into batches: those before, because they are what a bar is judged by, and those after,
because a bar that is filled in or corrected may change what they are worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lake.config import Settings
from lake.market.bars import Actions, Bools, Floats
from lake.market.quality import RELEASED
from lake.market.sessions import Calendar, calendar
from lake.market.suspect_actions import ActionVerdict, judge_actions
from lake.market.suspect_bars import SUSPICIONS, Series, suspect_bars
from lake.sources.base import EVIDENCE
from lake.steps.around import actions_around, bars_around
from lake.steps.decisions import Decisions, read_decisions
from lake.steps.reasons import Texts, action_codes, bar_reason, kept_split_steps, with_quality
from lake.store.tables import TABLES, TableSpec
from lake.thresholds import Thresholds, read_thresholds
from lake.universe import read_universe


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows to merge, each with its quality, and the keys of current rows that a person discarded."""

    bars: pa.Table
    actions: pa.Table
    vanished_bars: pa.Table
    vanished_actions: pa.Table


@dataclass(frozen=True, slots=True)
class Judge:
    """What verdicts rest on: the lake as it is, thresholds, decisions, sources best first."""

    con: duckdb.DuckDBPyConnection
    limits: Thresholds
    decisions: Decisions
    sources: Sequence[str]
    exchanges: Mapping[str, str]

    def judge(
        self, table: str, bars: pa.Table, actions: pa.Table, vanished: pa.Table | None = None
    ) -> Judged:
        """Return staged bars of `table` and staged actions with their quality decided.

        `bars` has the columns of EVIDENCE besides those of its table; `vanished` are keys of bars
        that the same merge will close.
        """
        known = actions_around(
            self.con, bars, actions, self.decisions.discarded_actions(actions), self.sources
        )
        gone_actions = self.decisions.discarded_actions(known)
        # Nothing says anew what actions are worth if they are as they were and no bar near them changes.
        news = set(known.filter(pa.array(_is_news(known) | gone_actions))["symbol"].to_pylist())
        around = bars_around(
            self.con,
            table,
            bars,
            self.decisions.discarded_bars(bars),
            self.sources,
            self.limits.window_days,
            sorted(news) if table == "bars" else (),
        )
        codes: Texts = np.full(around.num_rows, "", dtype=object)
        verdicts: list[ActionVerdict | None] = [None] * known.num_rows
        dropped = self.decisions.discarded_bars(around)
        gone = dropped | _among(around, vanished)
        action_rows = dict(_slices(known))
        for symbol, rows in _slices(around):
            keep = np.flatnonzero(~gone[rows]) + rows.start
            own = action_rows.get(symbol, slice(0, 0))
            own_rows = np.flatnonzero(~gone_actions[own]) + own.start
            self._judge_symbol(around, keep, known, own_rows, symbol in news, codes, verdicts)
        return Judged(
            bars=self._bar_rows(bars, around, codes, gone),
            actions=self._action_rows(actions, known, verdicts, gone_actions),
            vanished_bars=_keys(around, dropped, TABLES[table]),
            vanished_actions=_keys(known, gone_actions, TABLES["actions"]),
        )

    def _judge_symbol(
        self,
        around: pa.Table,
        rows: NDArray[np.intp],
        known: pa.Table,
        action_rows: NDArray[np.intp],
        has_news: bool,
        reasons: Texts,
        verdicts: list[ActionVerdict | None],
    ) -> None:
        """Decide what is suspect of one symbol, each row by rows of its own and of better sources only.

        So a lower source changes no verdict on a higher one's rows, in whatever order they are loaded.
        Without news of its actions one whose bars are not among `around` keeps the verdict it has.
        """
        if not len(rows):
            return
        taken, own = around.take(pa.array(rows)), known.take(pa.array(action_rows))
        bars, timeframe = _series(taken), taken["timeframe"][0].as_py()
        ranks, action_ranks = self._ranks(taken), self._ranks(own)
        for rank in np.unique(np.concatenate([ranks, action_ranks])).tolist():
            seen, told = ranks <= rank, own.filter(pa.array(action_ranks <= rank))
            if (ranks == rank).any():
                found = suspect_bars(bars[seen], _actions(told), timeframe, self.limits)
                reasons[rows[ranks == rank]] = found[ranks[seen] == rank]
            if timeframe == "1d" and (action_ranks == rank).any():
                # Actions that came without bars of their own are measured by whatever bars there are.
                shown = bars[seen] if seen.any() else bars
                days = calendar(self.exchanges[taken["symbol"][0].as_py()])
                is_better = action_ranks[action_ranks <= rank] < rank
                judged = self._action_verdicts(shown, told, is_better, days)
                for row, has_own, verdict in zip(
                    action_rows[action_ranks <= rank], is_better.tolist(), judged, strict=True
                ):
                    if not has_own and (has_news or verdict.was_measured):
                        verdicts[row] = verdict

    def _action_verdicts(
        self, bars: Series, rows: pa.Table, is_better: Bools, days: Calendar
    ) -> list[ActionVerdict]:
        """Return the verdicts on actions, of which some are from better sources than the others."""
        is_split, actions = rows["kind"].to_numpy() == "split", _actions(rows)
        better = _actions(rows.filter(pa.array(is_better))).dividend_dates
        splits, dividends = map(iter, judge_actions(bars, actions, days, self.limits, better))
        return [next(splits if each else dividends) for each in is_split.tolist()]

    def _ranks(self, rows: pa.Table) -> NDArray[np.int64]:
        """Return the rank of each row's source, 0 the best."""
        names = rows["source"].combine_chunks().dictionary_encode()
        ranks = np.array([self.sources.index(name) for name in names.dictionary.to_pylist()], dtype=np.int64)
        found: NDArray[np.int64] = ranks[names.indices.to_numpy()]
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


def open_judge(settings: Settings, con: duckdb.DuckDBPyConnection, symbols: pa.Table) -> Judge:
    """Return the judge of a lake as `con` sees it, with the exchanges of symbols that are being added."""
    exchanges = dict(con.execute("SELECT symbol, exchange FROM symbols").fetchall())
    exchanges |= dict(zip(symbols["symbol"].to_pylist(), symbols["exchange"].to_pylist(), strict=True))
    ranks = read_universe(settings.conf_folder).ranks()
    return Judge(
        con=con,
        limits=read_thresholds(settings.conf_folder),
        decisions=read_decisions(con),
        sources=sorted(ranks, key=ranks.__getitem__),
        exchanges=exchanges,
    )


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


def _slices(rows: pa.Table) -> Iterator[tuple[str, slice]]:
    """Yield each symbol of a table that is sorted by symbol, with its rows."""
    names = rows["symbol"].to_numpy()
    edges = np.flatnonzero(names[1:] != names[:-1]) + 1
    bounds = [0, *edges.tolist(), len(names)]
    for start, end in pairwise(bounds):
        if end > start:
            yield names[start], slice(start, end)


def _keys(rows: pa.Table, dropped: Bools, spec: TableSpec) -> pa.Table:
    return rows.filter(pa.array(dropped)).select([*spec.key, *spec.partition_by])


def _series(rows: pa.Table) -> Series:
    def floats(name: str, blank: float = np.nan) -> Any:
        values = _floats(rows, name)
        return np.where(np.isnan(values), blank, values)

    return Series(
        ts=rows["ts"].cast(pa.int64()).to_numpy().astype("datetime64[us]"),
        session=rows["session"].cast(pa.int32()).to_numpy().astype("datetime64[D]"),
        **{name: floats(name) for name in ("open", "high", "low", "close", "volume")},
        is_split_basis=rows["price_basis"].to_numpy() == "split",
        applied_split=floats("applied_split", 1.0),
        adj_close=floats("adj_close"),
    )


def _actions(rows: pa.Table) -> Actions:
    is_split = rows["kind"].to_numpy() == "split"
    dates = rows["ex_date"].cast(pa.int32()).to_numpy().astype("datetime64[D]")
    values = rows["value"].to_numpy()
    return Actions(dates[is_split], values[is_split], dates[~is_split], values[~is_split])
