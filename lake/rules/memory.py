"""Rules over the rows of one or many series at once, and what they remember of the rows before.

A history is one series whose rows are all new; a stream has many, each with the rows that rules look
back to and a few new ones. Both go through the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lake.features.indicator import TOLERANCE
from lake.market.bars import PRICES, Bools, Floats
from lake.rules.conditions import reach_of
from lake.rules.rule import Rule
from lake.rules.truth import TRUE, Frame, truth

NO_CASE = -1

CLEAN_BARS = 5
"""Bars in a row that must not be suspect, the judged one included, before a rule holds again."""

Cases = NDArray[np.int8]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Complete bars of one timeframe, series after series, each oldest first.

    `series` is the number of each row's series. Rows that are not new are there to look back to, and
    stand before the new ones of their series.
    """

    frame: Frame
    series: Numbers
    is_new: Bools
    is_suspect: Bools

    @classmethod
    def of_one(cls, frame: Frame, is_suspect: Bools) -> Self:
        """Return a whole history as the only series."""
        count = len(frame)
        return cls(frame, np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.bool_), is_suspect)


@dataclass(slots=True)
class Memory:
    """What is known of each series up to its last row, by number.

    `clean` counts the rows since the last suspect one, as far as that matters; `first_close` is the
    history's first, NaN where there is none yet; `has_moved` whether a price ever differed from it;
    `cases` each rule's case on the last row that could be judged.
    """

    clean: Numbers
    first_close: Floats
    has_moved: Bools
    cases: Cases

    @classmethod
    def start(cls, series: int, rules: int) -> Self:
        """Return the memory of series that have not begun."""
        return cls(
            clean=np.full(series, CLEAN_BARS - 1),
            first_close=np.full(series, np.nan),
            has_moved=np.zeros(series, dtype=np.bool_),
            cases=np.full((series, rules), NO_CASE, dtype=np.int8),
        )

    def grown(self, series: int) -> Self:
        """Return the memory with more series, which have not begun."""
        more = type(self).start(series, self.cases.shape[1])
        return type(self)(*(np.concatenate((mine, theirs)) for mine, theirs in zip(self, more, strict=True)))

    def put(self, series: Numbers, kept: Self) -> None:
        """Make some series what another memory knows of them."""
        for mine, theirs in zip(self, kept, strict=True):
            mine[series] = theirs[series]

    def rescale(self, series: int, ratio: float) -> None:
        """Bring one series to the terms after a split."""
        self.first_close[series] /= ratio

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.clean, self.first_close, self.has_moved, self.cases))


@dataclass(frozen=True, slots=True)
class Judged:
    """The new rows of `Rows`: where rules may hold, and how they follow each other.

    `run` numbers the series in the order of their rows, `of_run` is the series of each run, `ends` its
    last row.
    """

    may_hold: Bools
    run: Numbers
    of_run: Numbers
    ends: Numbers


def judge(rows: Rows, memory: Memory) -> Judged:
    """Return on which new rows a rule may hold, and remember them.

    These are not suspect nor so soon after a suspect one that fewer than `CLEAN_BARS` in a row were
    clean, and not part of a history whose price has never moved so far.
    """
    series = rows.series[rows.is_new]
    count = len(series)
    is_first = np.ones(count, dtype=np.bool_)
    is_first[1:] = series[1:] != series[:-1]
    starts = np.flatnonzero(is_first)
    run = np.cumsum(is_first) - 1
    of_run, ends = series[starts], np.append(starts[1:], count)[: len(starts)] - 1
    clean = _clean_rows(rows.is_suspect[rows.is_new], run, starts, memory.clean[of_run])
    memory.clean[of_run] = np.minimum(clean[ends], CLEAN_BARS - 1)
    close = rows.frame.values["close"][rows.is_new]
    first = memory.first_close[of_run]
    first = np.where(np.isnan(first), close[starts], first)
    memory.first_close[of_run] = first
    has_moved = _have_moved(rows, first[run], run, starts, memory.has_moved[of_run])
    memory.has_moved[of_run] = has_moved[ends]
    return Judged((clean >= CLEAN_BARS) & has_moved, run, of_run, ends)


def _clean_rows(is_suspect: Bools, run: Numbers, starts: Numbers, before: Numbers) -> Numbers:
    """Return for each row how many rows ago the last suspect one was, in its run or before it."""
    place = np.arange(len(run)) - starts[run]
    last = np.where(is_suspect, place + CLEAN_BARS, 0)  # counted from CLEAN_BARS before the run
    last[starts] = np.where(is_suspect[starts], CLEAN_BARS, CLEAN_BARS - 1 - before)
    return place + CLEAN_BARS - _greatest_so_far(last, run)


def _have_moved(rows: Rows, first: Floats, run: Numbers, starts: Numbers, before: Bools) -> Bools:
    values = rows.frame.values
    moves = [np.abs(values[name][rows.is_new] - first) > TOLERANCE * np.abs(first) for name in PRICES]
    moved = np.logical_or.reduce(moves).astype(np.int64)
    moved[starts] |= before
    return _greatest_so_far(moved, run) > 0


def _greatest_so_far(values: Numbers, run: Numbers) -> Numbers:
    """Return the greatest of each run's values, none negative, up to each row."""
    floor = run * (int(values.max(initial=0)) + 1)
    greatest: Numbers = np.maximum.accumulate(values + floor) - floor
    return greatest


def cases_of(rule: Rule, rows: Rows, judged: Judged) -> Cases:
    """Return the place of the case that holds on each new row, `NO_CASE` for none."""
    if not rule.cases:
        return np.full(len(judged.may_hold), NO_CASE, dtype=np.int8)
    holding = [truth(case.condition, rows.frame)[rows.is_new] == TRUE for case in rule.cases]
    found = np.select(holding, range(len(holding)), default=NO_CASE)
    return np.where(judged.may_hold, found, NO_CASE).astype(np.int8)


def fires_on(rule: Rule, case: Cases, judged: Judged, memory: Memory, number: int = 0) -> Bools:
    """Return on which new rows a rule fires, and remember its cases; `number` is its place in the memory.

    A rule that fires `on_change` fires where its case differs from that of the last judged row
    before; the first case of a history counts as a change.
    """
    fires: Bools = case != NO_CASE
    rows = np.flatnonzero(judged.may_hold)
    if not len(rows):
        return fires
    known, run = case[rows], judged.run[rows]
    starts = np.flatnonzero(np.append(True, run[1:] != run[:-1]))
    series = judged.of_run[run[starts]]
    if rule.fires == "on_change":
        before = np.empty_like(known)
        before[1:] = known[:-1]
        before[starts] = memory.cases[series, number]
        fires[rows] &= known != before
    memory.cases[series, number] = known[np.append(starts[1:], len(rows)) - 1]
    return fires


def remember(rules: Sequence[Rule], rows: Rows, memory: Memory) -> None:
    """Remember of rows what rules need to know of them."""
    judged = judge(rows, memory)
    for number, rule in enumerate(rules):
        fires_on(rule, cases_of(rule, rows, judged), judged, memory, number)


def reach(rules: Sequence[Rule]) -> int:
    """Return how many bars before the judged one the conditions of rules look back to."""
    return max((reach_of(condition) for rule in rules for condition in rule.conditions), default=0)
