"""From rules to signals: which side holds on each bar, and on which bars that is news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lake.errors import BadInput
from lake.features.indicator import TOLERANCE, Column
from lake.market.bars import PRICES, Bars, Bools, Floats
from lake.rules.language import Rule, Side
from lake.rules.truth import TRUE, Frame, Item, frame_of, truth

BULLISH, BEARISH, NEUTRAL, NONE = 1, -1, 2, 0

NO_CASE = -1

SIDE_CODES: Mapping[Side, int] = {"bullish": BULLISH, "bearish": BEARISH, "neutral": NEUTRAL}
"""How sides are written in `Signals.side`; 0 is none."""

CLEAN_BARS = 5
"""Bars in a row that must not be suspect, the judged one included, before a rule holds again."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What a rule says of each bar, known from the bar's `closes_at`.

    `case` is the place of the case that holds among the rule's cases, -1 for none; `side` is that
    case's: 1 bullish, -1 bearish, 2 neutral, 0 none. `fires` is where that is an alert.
    """

    case: NDArray[np.int8]
    side: NDArray[np.int8]
    fires: Bools


def evaluate(
    rule: Rule, bars: Bars, columns: Mapping[str, Column], later_splits: Floats | None = None
) -> Signals:
    """Return the signals of a rule, one a bar.

    Nothing holds on an incomplete bar, on a bar that may not be judged (see `judged`), or where a
    NaN leaves a condition unknown. A rule that fires `on_change` fires where its case differs from
    that of the last judged bar before; the first case of a history counts as a change.

    Args:
        bars: one symbol's bars on the split basis.
        columns: at least `rule.columns`, as `compute` returns them for these bars.
        later_splits: `split_factor` of the bars, needed only by rules that compare a price or a
            volume with a plain number; without it they see amounts as later splits left them.

    Raises:
        BadInput: a column that the rule reads is missing.
    """
    frame = frame_of(bars, needed(rule, columns), later_splits)
    may_hold = judged(bars)[bars.is_complete]
    case = np.where(may_hold, _cases(rule, frame), NO_CASE).astype(np.int8)
    fires = case != NO_CASE
    if rule.fires == "on_change":
        fires &= _changes(case, may_hold)
    sides = np.array([SIDE_CODES[each.side] for each in rule.cases] + [NONE], dtype=np.int8)
    rows = bars.is_complete
    return Signals(_scattered(case, rows, NO_CASE), _scattered(sides[case], rows), _scattered(fires, rows))


def judged(bars: Bars) -> Bools:
    """Return the mask of bars on which a rule may hold.

    These are complete, not suspect nor so soon after a suspect one that fewer than `CLEAN_BARS`
    in a row were clean, and not part of a history whose price has never moved so far.
    """
    rows = bars.is_complete
    complete = bars[rows]
    return _scattered(_is_clean(complete.is_suspect) & _has_moved(complete), rows)


def needed(rule: Rule, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns that a rule reads.

    Raises:
        BadInput: one is missing.
    """
    if missing := [name for name in rule.columns if name not in columns]:
        raise BadInput(
            f"expected column {missing[0]} for rule {rule.name}, found {', '.join(columns) or 'none'}; "
            "compute the rule's columns first"
        )
    return {name: columns[name] for name in rule.columns}


def side_name(code: int) -> Side | None:
    """Return the side that a code of `Signals.side` stands for; None for 0."""
    return next((side for side, known in SIDE_CODES.items() if known == code), None)


def _cases(rule: Rule, frame: Frame) -> NDArray[np.int8]:
    holding = [truth(case.condition, frame) == TRUE for case in rule.cases]
    return np.select(holding, range(len(holding)), default=NO_CASE).astype(np.int8)


def _changes(case: NDArray[np.int8], may_hold: Bools) -> Bools:
    known = case[may_hold]
    changes = np.zeros(len(case), dtype=np.bool_)
    changes[may_hold] = known != np.concatenate(([NO_CASE], known[:-1]))
    return changes


def _is_clean(is_suspect: Bools) -> Bools:
    rows = np.arange(len(is_suspect))
    last_suspect = np.maximum.accumulate(np.where(is_suspect, rows, -CLEAN_BARS))
    clean: Bools = rows - last_suspect >= CLEAN_BARS
    return clean


def _has_moved(bars: Bars) -> Bools:
    if not len(bars):
        return np.zeros(0, dtype=np.bool_)
    first = bars.close[0]
    moves = [np.abs(getattr(bars, name) - first) > TOLERANCE * abs(first) for name in PRICES]
    return np.logical_or.accumulate(np.logical_or.reduce(moves))


def _scattered(values: NDArray[Item], rows: Bools, missing: int = 0) -> NDArray[Item]:
    out = np.full(len(rows), missing, dtype=values.dtype)
    out[rows] = values
    return out
