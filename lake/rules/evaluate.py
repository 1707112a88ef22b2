"""From rules to signals: which side holds on each bar, and on which bars that is news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lake.errors import BadInput
from lake.features.indicator import Column
from lake.market.bars import Bars, Bools, Floats
from lake.rules.memory import CLEAN_BARS, NO_CASE, Memory, Rows, cases_of, fires_on, judge
from lake.rules.rule import Rule, Side
from lake.rules.truth import Elsewhere, Item, frame_of

__all__ = ["CLEAN_BARS", "NO_CASE", "SIDE_CODES", "Signals", "evaluate", "judged", "needed", "side_name"]

BULLISH, BEARISH, NEUTRAL, NONE = 1, -1, 2, 0

SIDE_CODES: Mapping[Side, int] = {"bullish": BULLISH, "bearish": BEARISH, "neutral": NEUTRAL}
"""How sides are written in `Signals.side`; 0 is none."""


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
    rule: Rule,
    bars: Bars,
    columns: Mapping[str, Column],
    later_splits: Floats | None = None,
    elsewhere: Elsewhere | None = None,
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
        elsewhere: what the complete ones of these bars may know of other timeframes; without it
            nothing that is asked of these holds.

    Raises:
        BadInput: a column that the rule reads is missing.
    """
    frame = frame_of(bars, needed(rule, columns), later_splits, elsewhere=elsewhere)
    rows, memory = Rows.of_one(frame, bars.is_suspect[bars.is_complete]), Memory.start(1, 1)
    found = judge(rows, memory)
    case = cases_of(rule, rows, found)
    fires = fires_on(rule, case, found, memory)
    sides = np.array([SIDE_CODES[each.side] for each in rule.cases] + [NONE], dtype=np.int8)
    complete = bars.is_complete
    return Signals(
        _scattered(case, complete, NO_CASE), _scattered(sides[case], complete), _scattered(fires, complete)
    )


def judged(bars: Bars) -> Bools:
    """Return the mask of bars on which a rule may hold.

    These are complete, not suspect nor so soon after a suspect one that fewer than `CLEAN_BARS`
    in a row were clean, and not part of a history whose price has never moved so far.
    """
    complete = bars.is_complete
    rows = Rows.of_one(frame_of(bars, {}), bars.is_suspect[complete])
    return _scattered(judge(rows, Memory.start(1, 0)).may_hold, complete)


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


def _scattered(values: NDArray[Item], rows: Bools, missing: int = 0) -> NDArray[Item]:
    out = np.full(len(rows), missing, dtype=values.dtype)
    out[rows] = values
    return out
