"""The path of an equity curve, kept while it is drawn: one pass over memory instead of two, compiled.

Importing this module imports numba. The tuples are `lake.sandbox.outcome.Path` in its order.
"""

from __future__ import annotations

from numba import njit

from lake.sandbox.outcome import PathTerms


@njit(cache=True, error_model="numpy")
def start(equity: float) -> PathTerms:
    """Return the path before the first bar."""
    return 0.0, 0.0, 0.0, 0.0, equity, equity, 0, equity, 0.0, 0


@njit(cache=True, error_model="numpy")
def step(path: PathTerms, equity: float, row: int) -> PathTerms:
    """Return the path with one more bar."""
    total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars = path
    change = equity / last - 1.0
    total += change
    squares += change * change
    if change < 0.0:
        below += change * change
    if equity < peak:
        trough = min(trough, equity)
    else:
        if trough < peak and 1.0 - trough / peak > fall:
            fall, fall_bars = 1.0 - trough / peak, row - peak_row
        peak, peak_row, trough = equity, row, equity
    return total, squares, below, area + equity, equity, peak, peak_row, trough, fall, fall_bars


@njit(cache=True, error_model="numpy")
def rest(path: PathTerms, equity: float, row: int, until: int) -> PathTerms:
    """Return the path with bars from `row` to before `until` that all have one equity."""
    if row == until:
        return path
    total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars = step(path, equity, row)
    if equity >= peak:
        peak_row = until - 1
    area += equity * (until - row - 1)
    return total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars


@njit(cache=True, error_model="numpy")
def end(path: PathTerms, rows: int) -> PathTerms:
    """Return the path with a fall that was not over at the last of `rows` rows."""
    total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars = path
    if trough < peak and 1.0 - trough / peak > fall:
        fall, fall_bars = 1.0 - trough / peak, rows - 1 - peak_row
    return total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars
