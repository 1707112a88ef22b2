"""Why a rule held on a bar, or did not: its conditions as a truth table with their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lake.errors import BadInput
from lake.features.indicator import Column
from lake.market.bars import Bars, Floats
from lake.rules.conditions import All, Any, Condition, Not, Recently, Throughout, operands_of, parts_of
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
    rule: Rule, bars: Bars, columns: Mapping[str, Column], row: int, later_splits: Floats | None = None
) -> list[Finding]:
    """Return what each condition of a rule says of bar `row`, sides in the order of precedence.

    Arguments are those of `evaluate`; `row` counts among `bars`. Whether the bar may be judged at
    all is `judged(bars)[row]`.

    Raises:
        BadInput: a column is missing, or the bar is incomplete, so that no rule sees it.
    """
    if not bars.is_complete[row]:
        raise BadInput(f"expected a complete bar, found that {bars.ts[row]} is still open")
    frame = frame_of(bars, needed(rule, columns), later_splits)
    at = int(np.count_nonzero(bars.is_complete[: row + 1])) - 1
    findings: list[Finding] = []
    for case in rule.cases:
        held = _holds(case.condition, frame, at)
        findings.append(Finding(0, case.variant, held, {}))
        findings += _findings(case.condition, frame, at, depth=1)
    return findings


def _findings(condition: Condition, frame: Frame, at: int, depth: int) -> Iterator[Finding]:
    parts = parts_of(condition)
    yield Finding(
        depth,
        _heading(condition),
        _holds(condition, frame, at),
        {} if parts else {str(each): float(measured(each, frame)[0][at]) for each in operands_of(condition)},
    )
    for part in parts:
        yield from _findings(part, frame, at, depth + 1)


def _heading(condition: Condition) -> str:
    match condition:
        case All():
            return "all of"
        case Any():
            return "any of"
        case Not():
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
