"""How a column is declared: once, for the batch, the stream, the rules and the dictionary."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lake.market.bars import VALUES

Column = NDArray[Any]
"""One value a bar: float64, NaN where missing, or the integers of a sparse column."""

Type = Literal["float64", "int16", "int8"]
"""How a column is stored. Integers are sparse: 0 says that nothing is there, and is stored as null."""

CONTEXT = ("session", "split")
"""What a function may take besides bar values and columns.

`session` is the days from 1970 to the bar's last session, `split` the ratio of the split right before the
bar, 1 where there is none.
"""

Scale = Literal["price", "volume", "percent", "ratio", "flag"]
"""What a column's values are measured in.

`price` is divided and `volume` multiplied by a split's ratio, the others stay as they are. Two
values count as equal within 1e-9 of the larger of themselves and their scale: the bar's close,
the bar's volume, 100, 1 and 1, in this order.
"""

SPLIT_EXPONENT: Mapping[Scale, int] = {"price": -1, "volume": 1, "percent": 0, "ratio": 0, "flag": 0}
"""At a split of ratio r, stored values are multiplied by r to this power."""

TOLERANCE = 1e-9
"""Values nearer than this share of their scale are equal, so that every path decides alike."""

ROUNDING = 2.0**-53
"""A share of a value that rounding loses."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One function and the columns it fills.

    `function` takes the arrays of `inputs` (bar values or other columns), then `parameters` by
    name, and returns one array of their length for each column, NaN while it warms up. It must
    not look ahead. `settle_bars` is the number of bars after which nothing of where a history
    started is left in its value.

    A cumulative column adds to its own value of the bar before, from the symbol's first bar on, so
    it never settles: started later, it needs the stored value before as its start, and after
    `settle_bars` differs from the full history's by a constant only. An intraday column is missing
    on daily and longer bars. A helper is computed where a rule or another column reads it, and is
    neither stored nor a feature of training sets. One that compares without a tolerance
    takes prices, and columns measured in price, alone: it is given those of each bar in the terms of
    its own time. Divided by a later split, equal prices may differ by what rounding leaves, and the
    past would hang on the future. One that takes `split` is given a whole history so, and brings what it
    remembers to the terms of each bar itself; another one is shown each stretch between two splits, with
    `settle_bars` before it, in the stretch's terms. Of several that take bar values alone and have the
    same `together`, it makes the one that fills all their columns at once, with the same values in less
    time.
    """

    columns: tuple[str, ...]
    function: Callable[..., Any]
    inputs: tuple[str, ...]
    scale: Scale
    settle_bars: int
    description: str
    source: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    type: Type = "float64"
    is_cumulative: bool = False
    is_intraday: bool = False
    is_helper: bool = False
    compares_exactly: bool = False
    together: Callable[[Sequence[Indicator]], Indicator] | None = None

    @property
    def is_sparse(self) -> bool:
        """Return whether 0 says that nothing is there."""
        return self.type != "float64"

    @property
    def columns_needed(self) -> tuple[str, ...]:
        """Return the inputs that are columns themselves."""
        return _columns_among(self.inputs)

    def apply(self, *inputs: Column) -> tuple[Column, ...]:
        """Return one array for each of `columns`."""
        result = self.function(*inputs, **self.parameters)
        return result if isinstance(result, tuple) else (result,)


@cache
def _columns_among(inputs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in inputs if name not in (*VALUES, *CONTEXT))


def has_value(column: Column) -> NDArray[np.bool_]:
    """Return where a column says something: not NaN, and not the 0 of a sparse one."""
    says: NDArray[np.bool_] = column != 0 if column.dtype.kind == "i" else ~np.isnan(column)
    return says


def settle_window(bars: int) -> int:
    """Return the `settle_bars` of a value that sees `bars` bars and nothing before them."""
    return bars


def settle_smoothing(weight: float, seed_bars: int, residue: float = ROUNDING) -> int:
    """Return the `settle_bars` of exponential smoothing, rounded up to a power of two.

    Args:
        weight: the share of the newest value: 2 / (n + 1) for an EMA, 1 / n for Wilder's.
        seed_bars: bars before the first smoothed value.
        residue: the share of the start that may be left.
    """
    bars = seed_bars + math.log(residue) / math.log1p(-weight)
    return 1 << math.ceil(math.log2(bars))
