"""Longer bars of a prefix against those of the whole: complete ones the same, none complete too soon."""

from __future__ import annotations

import numpy as np

from lake.features.indicator import TOLERANCE
from lake.lookahead.equal import gaps, unit_of
from lake.lookahead.finding import MISSING, Finding, moment, number
from lake.market.aggregate import micros
from lake.market.bars import PRICES, Bars

_COMPLETE, _OPEN = "complete", "open"


def longer_finding(part: Bars, whole: Bars, until: np.datetime64) -> Finding | None:
    """Return what is wrong with the longer bars of a prefix, as traded; None if nothing is.

    Args:
        until: close of the prefix's last shorter bar.
    """
    known = {start: row for row, start in enumerate(micros(whole.ts).tolist())}
    done = np.flatnonzero(part.is_complete)
    starts = micros(part.ts[done]).tolist()
    if too_many := [start for start in starts if start not in known or not whole.is_complete[known[start]]]:
        return _named(part, until, np.datetime64(too_many[-1], "us"), "", _COMPLETE, _OPEN)
    if finding := _unequal(part[done], whole[np.array([known[start] for start in starts], dtype=int)], until):
        return finding
    due = whole.ts[whole.is_complete & (whole.closes_at <= until)]
    if lacking := sorted(set(micros(due).tolist()) - set(starts)):
        return _named(part, until, np.datetime64(lacking[-1], "us"), "", MISSING, _COMPLETE)
    return None


def stored_finding(stored: Bars, shorter: Bars, passed: np.datetime64 | None = None) -> Finding | None:
    """Return the newest stored longer bar that is complete although its last shorter bar has not come.

    With `passed` a bar may also have closed by the clock: where nothing is traded nothing comes.
    """
    until = shorter.closes_at[-1] if passed is None else max(shorter.closes_at[-1], passed)
    rows = np.flatnonzero(stored.is_complete & (stored.closes_at > until))
    if not len(rows):
        return None
    return _named(stored, until, stored.ts[rows[-1]], "", _OPEN, f"{_COMPLETE} in the lake")


def _unequal(part: Bars, whole: Bars, until: np.datetime64) -> Finding | None:
    for name in (*PRICES, "volume"):
        mine, theirs = getattr(part, name), getattr(whole, name)
        unit = unit_of("volume" if name == "volume" else "price", whole)
        if len(rows := np.flatnonzero(gaps(mine, theirs, unit) > TOLERANCE)):
            row = rows[-1]
            texts = number(float(mine[row])), number(float(theirs[row]))
            return _named(part, until, part.ts[row], f"{name} of ", *texts)
    for name in ("closes_at", "session", "is_suspect"):
        mine, theirs = getattr(part, name), getattr(whole, name)
        if len(rows := np.flatnonzero(mine != theirs)):
            row = rows[-1]
            return _named(part, until, part.ts[row], f"{name} of ", str(mine[row]), str(theirs[row]))
    return None


def _named(
    bars: Bars, until: np.datetime64, start: np.datetime64, what: str, alone: str, later: str
) -> Finding:
    where = f"{what}the bar of {moment(start)}"
    return Finding("bars", bars.timeframe, bars.symbol, bars.timeframe, until, where, alone, later)
