"""Why a rule held on a bar, or did not: its conditions as a truth table with their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lake.errors import BadInput
from lake.features.indicator import Column
from lake.market.aggregate import micros
from lake.market.bars import Bars, Floats
from lake.rules.conditions import (
    All,
    Any,
    Condition,
    Cross,
    Not,
    On,
    Recently,
    Throughout,
    Unless,
    operands_of,
    parts_of,
)
from lake.rules.elsewhere import Answers, elsewhere
from lake.rules.evaluate import needed
from lake.rules.language import Rule
from lake.rules.truth import TRUE, UNKNOWN, Frame, frame_of, measured, truth


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition on one bar: `holds` is None where a value is missing."""

    depth: int
    text: str
    holds: bool | None
    values: Mapping[str, float]

    def __str__(self) -> str:
        mark = {True: "yes", False: "no", None: "unknown"}[self.holds]
        values = ", ".join(f"{name} = {value:.10g}" for name, value in self.values.items())
        return f"{'  ' * self.depth}{self.text}: {mark}{f' ({values})' if values else ''}"


def explain(
    rule: Rule,
    bars: Bars,
    columns: Mapping[str, Column],
    row: int,
    later_splits: Floats | None = None,
    others: Sequence[Answers] = (),
) -> list[Finding]:
    """Return what each condition of a rule says of bar `row`, sides in the order of precedence.

    Arguments are those of `evaluate`; `row` counts among `bars`. Whether the bar may be judged at
    all is `judged(bars)[row]`.

    Raises:
        BadInput: a column is missing, or the bar is incomplete, so that no rule sees it.
    """
    if not bars.is_complete[row]:
        raise BadInput(f"expected a complete bar, found that {bars.ts[row]} is still open")
    closes_at = micros(bars.closes_at[bars.is_complete])
    frame = frame_of(bars, needed(rule, columns), later_splits, elsewhere=elsewhere(others, closes_at))
    at = int(np.count_nonzero(bars.is_complete[: row + 1])) - 1
    place = _Place(frame, at, int(closes_at[at]), others)
    findings: list[Finding] = []
    for case in rule.cases:
        findings.append(Finding(0, case.variant, _holds(case.condition, frame, at), {}))
        findings += _findings(case.condition, place, depth=1)
    if rule.levels is not None and rule.levels.condition is not None:
        findings += _findings(rule.levels.condition, place, depth=0)
    return findings


class _Place(NamedTuple):
    """A row of a frame, when its bar closes, and what can be asked there of other timeframes."""

    frame: Frame
    at: int
    closes_at: int
    others: Sequence[Answers]


def _findings(condition: Condition, place: _Place, depth: int) -> Iterator[Finding]:
    if isinstance(condition, On):
        yield from _asked(condition, place, depth)
        return
    parts, (frame, at, *_) = parts_of(condition), place
    yield Finding(
        depth,
        _heading(condition),
        _holds(condition, frame, at),
        {} if parts else _values(condition, frame, at),
    )
    for part in parts:
        yield from _findings(part, place, depth + 1)


def _values(condition: Condition, frame: Frame, at: int) -> dict[str, float]:
    """Return what a comparison stood on; of a cross also what its sides were on the bar before."""
    found = {str(each): measured(each, frame)[0] for each in operands_of(condition)}
    values = {name: float(each[at]) for name, each in found.items()}
    if isinstance(condition, Cross) and at:
        values |= {f"{name} before": float(each[at - 1]) for name, each in found.items()}
    return values


def _asked(question: On, place: _Place, depth: int) -> Iterator[Finding]:
    """Yield what a question found on the other timeframe's bar."""
    held = _holds(question, place.frame, place.at)
    answers = next((each for each in place.others if question in each.truths), None)
    row = -1 if answers is None else int(answers.before(np.array([place.closes_at]))[0])
    if answers is None or row < 0:
        yield Finding(depth, f"on {question.timeframe}, which has no bar that closed before", held, {})
        return
    start = np.datetime_as_string(answers.ts[row].astype("datetime64[us]"), unit="m")
    yield Finding(depth, f"on {question.timeframe}, bar of {start}Z", held, {})
    there = _Place(answers.frame, row, int(answers.closes_at[row]), ())
    yield from _findings(question.part, there, depth + 1)


def _heading(condition: Condition) -> str:
    match condition:
        case All():
            return "all of"
        case Any():
            return "any of"
        case Not() | Unless():
            return "not"
        case Throughout(_, bars):
            return f"for {bars} bars"
        case Recently(_, bars):
            return f"within {bars} bars"
        case _:
            return str(condition)


def _holds(condition: Condition, frame: Frame, at: int) -> bool | None:
    value = int(truth(condition, frame)[at])
    return None if value == UNKNOWN else value == TRUE
