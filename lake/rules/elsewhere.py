"""What rules ask of another timeframe: answered bar by bar there, and read from its last complete bar here.

A bar of the other timeframe counts from its `closes_at` on, and only for bars that close later: the
answers of a history and those of a stream are the same, and neither can look ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lake.features.indicator import Column
from lake.market.adjust import adjusted, split_factor
from lake.market.bars import Actions, Bars, Floats
from lake.rules.conditions import Condition, Count, On, Value, asked_of, operands_of, parts_of
from lake.rules.memory import Memory, Numbers, Rows, judge
from lake.rules.rule import Rule, columns_of
from lake.rules.truth import UNKNOWN, Elsewhere, Frame, Truth, frame_of, measured, truth


@dataclass(frozen=True, slots=True)
class Answers:
    """What one symbol's complete bars of a timeframe say, oldest first, times in microseconds since 1970.

    `truths` by question: unknown on bars that no rule may judge. `values` what the questions read, by
    its name with the timeframe. `frame` is what they were judged by.
    """

    ts: Numbers
    closes_at: Numbers
    truths: Mapping[On, Truth]
    values: Mapping[str, Floats]
    frame: Frame

    def before(self, closes_at: Numbers) -> Numbers:
        """Return for bars that close at these moments the last row that closed earlier, -1 for none."""
        found: Numbers = np.searchsorted(self.closes_at, closes_at, side="left") - 1
        return found


def asks_of(rules: Iterable[Rule]) -> dict[str, list[On]]:
    """Return what rules ask of other timeframes, by these, each question once."""
    found: dict[str, dict[On, None]] = {}
    for rule in rules:
        for question in rule.asks:
            found.setdefault(question.timeframe, {})[question] = None
    return {timeframe: list(questions) for timeframe, questions in found.items()}


def operands_within(condition: Condition) -> Iterable[Value | Count]:
    """Yield what a condition and those inside it are made of besides numbers, in its order."""
    yield from operands_of(condition)
    for part in parts_of(condition):
        yield from operands_within(part)


def value_name(operand: Value | Count, timeframe: str) -> str:
    """Return what an operand of another timeframe is called among the values of an alert."""
    return f"{operand} on {timeframe}"


def answered(
    questions: Sequence[On], bars: Bars, columns: Mapping[str, Column], later_splits: Floats
) -> Answers:
    """Return what a symbol's bars on the split basis say of some questions; open bars say nothing.

    Args:
        columns: at least those that the questions read, as `compute` returns them for these bars.
    """
    complete = bars.is_complete
    frame = frame_of(bars, columns, later_splits)
    rows = Rows.of_one(frame, bars.is_suspect[complete])
    may_hold = judge(rows, Memory.start(1, 0)).may_hold
    ts, closes_at = (
        moments[complete].astype("datetime64[us]").astype(np.int64) for moments in (bars.ts, bars.closes_at)
    )
    values = {
        value_name(operand, each.timeframe): measured(operand, frame)[0]
        for each in questions
        for operand in operands_within(each.part)
    }
    truths = {
        each: np.where(may_hold, truth(each.part, frame), UNKNOWN).astype(np.int8) for each in questions
    }
    return Answers(ts, closes_at, truths, values, frame)


def answers_of(rules: Iterable[Rule], others: Iterable[Bars], actions: Actions) -> list[Answers]:
    """Return what rules ask of a symbol's bars as traded of other timeframes."""
    from lake.features.kernel import compute

    questions = asks_of(rules)
    found = []
    for bars in others:
        if bars.timeframe in questions and len(bars):
            split_bars = adjusted(bars, actions, "split")
            later_splits = split_factor(bars.session, actions.up_to(bars.session[-1]))
            own = questions[bars.timeframe]
            found.append(answered(own, split_bars, compute(split_bars, columns_of(own)), later_splits))
    return found


def elsewhere(answers: Iterable[Answers], closes_at: Numbers) -> Elsewhere:
    """Return what bars that close at these moments may know of other timeframes."""
    truths: dict[On, Truth] = {}
    values: dict[str, Floats] = {}
    for each in answers:
        rows = each.before(closes_at)
        known = rows >= 0
        for question, said in each.truths.items():
            truths[question] = np.full(len(rows), UNKNOWN, dtype=np.int8)
            truths[question][known] = said[rows[known]]
        for name, seen in each.values.items():
            values[name] = np.full(len(rows), np.nan)
            values[name][known] = seen[rows[known]]
    return Elsewhere(truths, values)


def values_elsewhere(condition: Condition) -> tuple[str, ...]:
    """Return the names of the values that a condition reads of other timeframes."""
    names = (
        value_name(operand, each.timeframe)
        for each in asked_of(condition)
        for operand in operands_within(each.part)
    )
    return tuple(dict.fromkeys(names))
