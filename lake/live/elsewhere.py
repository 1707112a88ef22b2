"""What rules ask of other timeframes, as the stream knows it: answers by the close of their bar."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lake.market.bars import Floats
from lake.rules.conditions import On
from lake.rules.elsewhere import Answers, operands_within, value_name
from lake.rules.memory import Numbers
from lake.rules.truth import UNKNOWN, Elsewhere, Truth

Row = tuple[float, ...]


@dataclass(slots=True)
class Told:
    """One symbol's answers of one timeframe, oldest first: those of bars that have closed so far.

    Each row holds the truths of the questions and then the values that they read, in their order.
    """

    closes_at: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def before(self, closes_at: int) -> Row | None:
        """Return the row of the last bar that closed earlier; None if there is none."""
        place = bisect_left(self.closes_at, closes_at)
        return self.rows[place - 1] if place else None

    def add(self, closes_at: int, row: Row) -> None:
        """Enter the answers of the next bar."""
        self.closes_at.append(closes_at)
        self.rows.append(row)

    def keep(self, rows: slice) -> None:
        """Forget all other rows."""
        self.closes_at, self.rows = self.closes_at[rows], self.rows[rows]

    def take_back(self, after: int) -> None:
        """Forget what bars say that close after a moment."""
        self.keep(slice(bisect_left(self.closes_at, after + 1)))


class Questions:
    """What is asked of one timeframe: which truths and values a row holds."""

    def __init__(self, asked: Sequence[On]) -> None:
        self.asked = tuple(asked)
        self.operands = {
            value_name(operand, each.timeframe): operand
            for each in asked
            for operand in operands_within(each.part)
        }
        self.names = (*map(str, self.asked), *self.operands)
        self.nothing: Row = (*[float(UNKNOWN)] * len(self.asked), *[float("nan")] * len(self.operands))

    def told(self, answers: Answers) -> Told:
        """Return the answers of a history as the stream keeps them."""
        columns = [answers.truths[each].astype(float).tolist() for each in self.asked]
        columns += [answers.values[name].tolist() for name in self.operands]
        return Told(answers.closes_at.tolist(), list(zip(*columns, strict=True)))

    def read(self, told: Told, closes_at: Numbers) -> dict[str, Floats]:
        """Return what bars that close at these moments may know, by name."""
        table = np.array([*told.rows, self.nothing])  # place -1 is the last row
        places = np.searchsorted(np.array(told.closes_at, dtype=np.int64), closes_at, side="left") - 1
        return dict(zip(self.names, table[places].T, strict=True))

    def elsewhere(self, columns: Mapping[str, Floats]) -> Elsewhere:
        """Return columns of `names` as rules read them."""
        return Elsewhere(
            {each: _truth(columns[str(each)]) for each in self.asked},
            {name: columns[name] for name in self.operands},
        )


class Heard(NamedTuple):
    """What a timeframe says to the rules of all others: every question of theirs, each series' answers."""

    questions: Questions
    told: list[Told]

    def known(self, series: int, closes_at: int) -> Row:
        """Return what a bar of a series that closes at a moment may know."""
        return self.told[series].before(closes_at) or self.questions.nothing

    def history(self, series: int, closes_at: Numbers) -> dict[str, Floats]:
        """Return what bars of a series that close at these moments may know, by name."""
        return self.questions.read(self.told[series], closes_at)


def _truth(column: Floats) -> Truth:
    # Before the first bar of a series there is nothing to look back to.
    return np.nan_to_num(column, nan=UNKNOWN).astype(np.int8)
