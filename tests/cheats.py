"""Definitions that look ahead, as a user could have added them: what the gate has to catch and name."""

from __future__ import annotations

from pathlib import Path

COLUMNS = '''"""Columns that look ahead."""

import numpy as np

from lake.features.indicator import Indicator

TAPE = {}


def centred(close):
    out = np.full(len(close), np.nan)
    if len(close) >= 5:
        out[2:-2] = np.convolve(close, np.ones(5) / 5, "valid")
    return out


def tomorrow(close):
    return np.append(close[1:], np.nan)


def scaled(close):
    return (close - close.mean()) / close.std()


def taped(low, session):
    TAPE.clear()
    TAPE.update(zip(session.tolist(), low.tolist()))
    return np.zeros(len(low))


def declared(name, function, inputs, scale):
    return Indicator((name,), function, inputs, scale, 5, "A cheat", "none")


INDICATORS = (
    declared("centred_mean", centred, ("close",), "price"),
    declared("close_tomorrow", tomorrow, ("close",), "price"),
    declared("close_scaled", scaled, ("close",), "ratio"),
    declared("tape", taped, ("low", "session"), "flag"),
)
'''
"""A centred window, a shift by -1, scaling by the whole series, and an honest one that notes prices."""

METHOD = '''"""A method that has a swing's level at the swing's own close."""

from dataclasses import dataclass
from typing import ClassVar

from lake.features.columns.cheats import TAPE
from lake.levels.level import Birth
from lake.levels.method import Method


@dataclass(slots=True)
class Early(Method):
    """A swing low by the bars that the tape has after it."""

    method: ClassVar[str] = "early"

    def closes(self, bar, swings):
        later = [session for session in sorted(TAPE) if session > bar.session][:2]
        is_swing = len(later) == 2 and all(TAPE[session] >= bar.low for session in later)
        return [Birth("support", bar.low, bar.ts, "swing")] if is_swing else []
'''
"""A level before its confirmation."""

UNFINISHED = ("is_complete=final_session <= numbers[-1],", "is_complete=final_session > 0,")
"""An open week that counts as complete: what is replaced in the making of longer bars, and by what."""


def plant(checkout: Path) -> None:
    """Write all five cheats into a checkout: three columns, a level method, and the open week."""
    (checkout / "lake/features/columns/cheats.py").write_text(COLUMNS)
    (checkout / "lake/levels/methods/early.py").write_text(METHOD)
    resample = checkout / "lake/market/resample.py"
    honest = resample.read_text()
    assert UNFINISHED[0] in honest
    resample.write_text(honest.replace(*UNFINISHED))
