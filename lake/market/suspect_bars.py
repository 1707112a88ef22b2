"""Bars that are possible but implausible: kept, marked suspect, each with its reasons.

A bar is judged by the bars up to it, never by later ones: a missing split and a real crash look
the same on the day. A wrong block of bars is therefore seen at its edges: the first wrong bar, and
the first right one after it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lake.market.bars import Actions, Bools, Dates, Floats, Times
from lake.thresholds import BarThresholds, Thresholds

SUSPICIONS = {
    "jump": "the close moved more than 40% and 10 times the usual, and no action explains it",
    "step_10x": "the close moved about tenfold: a mistaken unit",
    "step_100x": "the close moved about a hundredfold: a mistaken unit",
    "wide_range": "the high or the low lies several times off open and close: a mistaken unit or column",
    "split_step": "the close moved by a split's ratio that its prices already contain",
    "split_missing": "a split is recorded for this day and the as-traded prices do not show it",
    "repeat": "every value repeats the day before",
    "zero_volume": "no volume, though the bars before it have some",
}
"""Reason codes of suspect bars."""

MOST_RETURNS = 1_000
"""The last so many moves say what is usual: what a live worker can keep of every series."""

Texts = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Series:
    """Bars of one symbol and timeframe as delivered, oldest first, with what helps to judge them.

    `applied_split` is the ratio of a split on the bar's day that split-basis prices already
    contain, else 1; `adj_close` the source's own adjusted close, NaN where it gave none.
    """

    ts: Times
    session: Dates
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    is_split_basis: Bools
    applied_split: Floats
    adj_close: Floats

    def __len__(self) -> int:
        return len(self.ts)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Self:
        """Return the chosen bars."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, slots=True)
class _Steps:
    """From each bar to the next: `move` as delivered, `residual` what actions leave of it.

    Both are ratios of closes; `known` where there is a bar before, near enough and on the same
    basis, so that they mean something.
    """

    move: Floats
    residual: Floats
    split: Floats
    known: Bools


def suspect_bars(bars: Series, actions: Actions, timeframe: str, limits: Thresholds) -> Texts:
    """Return each bar's reasons joined by `; `, empty where it is plausible."""
    if not len(bars):
        return np.empty(0, dtype=object)
    window = np.timedelta64(limits.days_seen(timeframe), "D")
    steps = _steps(bars, actions, window)
    found = _unexplained(bars, steps, window, limits.bars) | _split_steps(bars, steps, limits.bars)
    found["wide_range"] = steps.known & _wide_ranges(bars, limits.bars)
    if timeframe in ("1d", "1wk"):
        found["repeat"] = _repeats(bars, steps)
    if timeframe == "1d":
        found["zero_volume"] = _zero_volume(bars, window, limits.bars.zero_volume_bars)
    return _joined({code: found[code] for code in SUSPICIONS if code in found}, len(bars))


def splits_between(after: Dates, until: Dates, actions: Actions) -> Floats:
    """Return the product of the split ratios with an ex-date in (after, until], elementwise."""
    total = np.append(1.0, np.cumprod(actions.split_ratios))
    upto = [np.searchsorted(actions.split_dates, days, side="right") for days in (after, until)]
    product: Floats = total[upto[1]] / total[upto[0]]
    return product


def _steps(bars: Series, actions: Actions, window: np.timedelta64) -> _Steps:
    before = np.maximum(np.arange(len(bars)) - 1, 0)
    previous = bars.close[before]
    known = (bars.ts - bars.ts[before] <= window) & (bars.is_split_basis == bars.is_split_basis[before])
    known[0] = False
    split = splits_between(bars.session[before], bars.session, actions)
    split = np.where(bars.is_split_basis, 1.0, split)
    cash = _dividends_between(bars.session[before], bars.session, actions)
    cash = np.where(cash < previous / split / 2, cash, 0.0)
    return _Steps(bars.close / previous, (bars.close + cash) * split / previous, split, known)


def _dividends_between(after: Dates, until: Dates, actions: Actions) -> Floats:
    total = np.append(0.0, np.cumsum(actions.dividends))
    upto = [np.searchsorted(actions.dividend_dates, days, side="right") for days in (after, until)]
    cash = total[upto[1]] - total[upto[0]]
    return np.where(upto[1] > upto[0], cash, 0.0)


def _unexplained(
    bars: Series, steps: _Steps, window: np.timedelta64, limits: BarThresholds
) -> dict[str, Bools]:
    """Return steps of 10 and 100, and jumps, that no recorded action explains."""
    least = limits.jump_return
    large = steps.known & (abs(steps.move - 1) > least) & (abs(steps.residual - 1) > least)
    powers = abs(np.log10(steps.move))
    near = np.log10(limits.step_within)
    tenfold, hundredfold = (large & (abs(powers - power) <= near) for power in (1, 2))
    rest = large & ~tenfold & ~hundredfold
    usual = _usual_returns(bars, steps, np.flatnonzero(rest), window, limits.least_returns)
    rest[rest] = abs(steps.move[rest] - 1) > limits.jump_medians * usual
    return {"jump": rest, "step_10x": tenfold, "step_100x": hundredfold}


def _usual_returns(
    bars: Series, steps: _Steps, rows: NDArray[np.intp], window: np.timedelta64, least: int
) -> Floats:
    """Return the median absolute return of the window before each of a few bars; 0 of too few."""
    returns = abs(steps.residual - 1)
    # A return belongs to the window with both its bars, so that no verdict hangs on what came before.
    first = np.maximum(np.searchsorted(bars.ts, bars.ts[rows] - window) + 1, rows - MOST_RETURNS)
    usual = np.zeros(len(rows))
    for number, (start, end) in enumerate(zip(first, rows, strict=True)):
        usable = returns[start:end][steps.known[start:end]]
        usual[number] = np.median(usable) if len(usable) >= least else 0.0
    return usual


def _wide_ranges(bars: Series, limits: BarThresholds) -> Bools:
    """Return bars whose high or low is about ten times off, or more: closes alone would not show it."""
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    wide: Bools = (bars.high > limits.widest_range * top) | (bars.low * limits.widest_range < bottom)
    return wide


def _split_steps(bars: Series, steps: _Steps, limits: BarThresholds) -> dict[str, Bools]:
    """Return steps of a split that the prices contain already, and missing ones of a recorded split."""
    least = np.log(limits.least_split)
    step, applied, recorded = abs(np.log(steps.move)), abs(np.log(bars.applied_split)), np.log(steps.split)
    again = (applied >= least) & (abs(step - applied) <= limits.split_step_within * applied)
    missing = (abs(recorded) >= least) & ~shows_split(np.log(steps.move), recorded, limits)
    return {
        "split_step": steps.known & bars.is_split_basis & again,
        "split_missing": steps.known & missing,
    }


def shows_split(step: Floats, recorded: Floats, limits: BarThresholds) -> Bools:
    """Return whether closes step by a split's ratio; both are logarithms, a split by 2 steps by -log 2.

    A ratio recorded twice over is off by half of itself, a split that never was by the whole.
    """
    shown: Bools = abs(step + recorded) <= limits.split_shown_within * abs(recorded)
    return shown


def _repeats(bars: Series, steps: _Steps) -> Bools:
    """Return bars that repeat the one before; a thin stock without a trade or a range does so rightly."""
    values = np.vstack([bars.open, bars.high, bars.low, bars.close, bars.volume])
    equal = np.append(False, (values[:, 1:] == values[:, :-1]).all(axis=0))
    repeats: Bools = steps.known & equal & (bars.volume > 0) & (bars.high > bars.low)
    return repeats


def _zero_volume(bars: Series, window: np.timedelta64, count: int) -> Bools:
    found = np.zeros(len(bars), dtype=bool)
    rows = np.flatnonzero(bars.volume == 0)
    rows = rows[rows >= count]
    rows = rows[bars.ts[rows] - bars.ts[rows - count] <= window]
    if len(rows):
        found[rows] = np.median(sliding_window_view(bars.volume, count)[rows - count], axis=1) > 0
    return found


def _joined(found: dict[str, Bools], count: int) -> Texts:
    reasons: Texts = np.full(count, "", dtype=object)
    for code, rows in found.items():
        reasons[rows] = [f"{reason}; {code}" if reason else code for reason in reasons[rows]]
    return reasons
