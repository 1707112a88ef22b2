"""The one evaluator: conditions on arrays, in three values.

Truth is an int8 array of TRUE, UNKNOWN and FALSE. A NaN makes a comparison unknown, `not` of
unknown is unknown, and what is unknown in the end does not hold (Kleene's strong logic: all is
the least of its parts, any the greatest).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lake.features.indicator import SPLIT_EXPONENT, TOLERANCE, Column, Scale
from lake.features.registry import REGISTRY, Registry
from lake.market.bars import PRICES, VALUES, Bars, Bools, Floats
from lake.rules.conditions import (
    All,
    Any,
    Arithmetic,
    Compare,
    Condition,
    Count,
    Cross,
    Expression,
    Not,
    Number,
    On,
    Recently,
    Throughout,
    Unless,
    Value,
)

Item = TypeVar("Item", bound=np.generic)

Truth = NDArray[np.int8]
Measured = tuple[Floats, Floats]
"""Values, and for each the scale within 1e-9 of which others equal it."""

TRUE, UNKNOWN, FALSE = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What bars may know of other timeframes, one entry a bar: answers by question, values by name."""

    truths: Mapping[On, Truth] = field(default_factory=dict)
    values: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """What rules read: complete bars only, oldest first, one array a bar value or column.

    `later_splits` is, for each bar, the product of the ratios of the splits after it that its
    prices are already divided by. With it a price is compared with a plain number as traded on
    that bar, not as later splits left it. `elsewhere` is what its bars may know of other
    timeframes; a question that it does not answer is unknown.
    """

    values: Mapping[str, Floats]
    scales: Mapping[str, Scale]
    later_splits: Floats | None = None
    elsewhere: Elsewhere = field(default_factory=Elsewhere)

    def __len__(self) -> int:
        return len(self.values["close"])

    def measured(self, name: str, bars_ago: int) -> Measured:
        """Return a value `bars_ago` bars before each bar, in the terms of that bar, with its scale."""
        kind = self.scales[name]
        values, unit = _earlier(self.values[name], bars_ago, np.nan), self._unit(kind)
        if self.later_splits is not None and SPLIT_EXPONENT[kind]:
            terms = self.later_splits ** -SPLIT_EXPONENT[kind]
            values, unit = values * terms, unit * terms
        return values, np.fmax(np.abs(values), unit)

    def _unit(self, kind: Scale) -> Floats | float:
        if kind == "price":
            return np.abs(self.values["close"])
        if kind == "volume":
            return np.abs(self.values["volume"])
        return 100.0 if kind == "percent" else 1.0


def frame_of(
    bars: Bars,
    columns: Mapping[str, Column],
    later_splits: Floats | None = None,
    registry: Registry = REGISTRY,
    elsewhere: Elsewhere | None = None,
) -> Frame:
    """Return the frame of the complete ones among bars on the split basis, with their columns."""
    rows = bars.is_complete
    scales: dict[str, Scale] = {name: "price" if name in PRICES else "volume" for name in VALUES}
    scales |= {name: registry.indicator(name).scale for name in columns}
    values = {name: getattr(bars, name)[rows] for name in VALUES}
    values |= {name: np.asarray(column[rows], dtype=np.float64) for name, column in columns.items()}
    known = None if later_splits is None else later_splits[rows]
    return Frame(values, scales, known, elsewhere or Elsewhere())


def truth(condition: Condition, frame: Frame) -> Truth:
    """Return for each bar whether a condition holds, by what is known at its close."""
    match condition:
        case Compare(left, comparison, right):
            return _compared(measured(left, frame), comparison, measured(right, frame))
        case Cross():
            return _crossed(condition, frame)
        case All(parts):
            least: Truth = np.minimum.reduce([truth(part, frame) for part in parts])
            return least
        case Any(parts):
            greatest: Truth = np.maximum.reduce([truth(part, frame) for part in parts])
            return greatest
        case Not(part):
            return -truth(part, frame)
        case Unless(part):
            return np.where(truth(part, frame) == TRUE, FALSE, TRUE).astype(np.int8)
        case Throughout(part, bars):
            return _least_of_last(truth(part, frame), bars)
        case Recently(part, bars):
            return -_least_of_last(-truth(part, frame), bars)
        case On():
            unknown = np.full(len(frame), UNKNOWN, dtype=np.int8)
            return frame.elsewhere.truths.get(condition, unknown)


def _crossed(cross: Cross, frame: Frame) -> Truth:
    sign = ">" if cross.direction == "above" else "<"
    beyond = _compared(measured(cross.left, frame), sign, measured(cross.right, frame))
    return np.minimum(beyond, _earlier(-beyond, 1, UNKNOWN))


def _compared(left: Measured, comparison: str, right: Measured) -> Truth:
    with np.errstate(invalid="ignore", over="ignore"):
        difference = left[0] - right[0]
        tolerance = TOLERANCE * np.maximum(left[1], right[1])
        above, below = difference > tolerance, difference < -tolerance
    holds: Mapping[str, Bools] = {
        ">": above,
        ">=": ~below,
        "<": below,
        "<=": ~above,
        "==": ~(above | below),
        "!=": above | below,
    }
    known = np.isfinite(difference) & np.isfinite(tolerance)
    return np.where(known, np.where(holds[comparison], TRUE, FALSE), UNKNOWN).astype(np.int8)


def measured(expression: Expression, frame: Frame) -> Measured:
    """Return the values of an expression, one a bar, and their scales."""
    match expression:
        case Number(value):
            return np.full(len(frame), value), np.full(len(frame), abs(value))
        case Value(name, bars_ago):
            return frame.measured(name, bars_ago)
        case Count(part, bars, bars_ago):
            return _counted(truth(part, frame), bars, bars_ago)
        case Arithmetic(left, operation, right):
            with np.errstate(all="ignore"):
                return _combined(measured(left, frame), operation, measured(right, frame))


def _counted(values: Truth, bars: int, bars_ago: int) -> Measured:
    """Return how many of the last `bars` were true; NaN where one of them is unknown."""
    held, unknown = (np.cumsum(np.append(0, values == kind)) for kind in (TRUE, UNKNOWN))
    count = np.full(len(values), np.nan)
    if len(values) >= bars:
        known = unknown[bars:] == unknown[:-bars]
        count[bars - 1 :] = np.where(known, held[bars:] - held[:-bars], np.nan)
    earlier = _earlier(count, bars_ago, np.nan)
    return earlier, np.ones(len(values))


def _combined(left: Measured, operation: str, right: Measured) -> Measured:
    """Return the result and the scale that the operands' errors leave it with."""
    (a, scale_a), (b, scale_b) = left, right
    if operation == "+":
        return a + b, np.maximum(scale_a, scale_b)
    if operation == "-":
        return a - b, np.maximum(scale_a, scale_b)
    if operation == "*":
        return a * b, scale_a * scale_b
    quotient = a / b
    return quotient, np.maximum(scale_a, np.abs(quotient) * scale_b) / np.abs(b)


def _least_of_last(values: Truth, bars: int) -> Truth:
    """Return the least of each value and the `bars` - 1 before it; before the first it is unknown."""
    # Doubling: after each step `least` covers twice as many bars, so 1,000 take ten steps.
    least, covered = values, 1
    while covered < bars:
        step = min(covered, bars - covered)
        least = np.minimum(least, _earlier(least, step, UNKNOWN))
        covered += step
    return least


def _earlier(values: NDArray[Item], bars: int, missing: float) -> NDArray[Item]:
    """Return for each bar the value `bars` before it, `missing` where the history begins later."""
    if bars == 0:
        return values
    shifted = np.full_like(values, missing)
    shifted[bars:] = values[:-bars]
    return shifted
