"""From verdicts to the columns `quality` and `quality_reason`: what was found, and what stays from before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.market.bars import Floats
from lake.market.quality import RELEASED
from lake.market.suspect_actions import DISAGREES, ActionVerdict
from lake.market.suspect_bars import SUSPICIONS

Texts = NDArray[np.object_]


def action_codes(verdict: ActionVerdict | None, was: str | None) -> tuple[str, ...]:
    """Return an action's reasons; what its own adjusted close said stays when it is not there to ask."""
    before = [part.removeprefix(RELEASED) for part in (was or "").split("; ") if part]
    if verdict is None:
        return tuple(before)
    kept = () if verdict.was_compared else tuple(part for part in before if part.startswith(DISAGREES))
    return (*verdict.reasons, *kept)


def bar_reason(codes: str, was: str | None, is_released: bool) -> str | None:
    """Return a bar's quality reason: suspicions found, then the notes it came with."""
    notes = [
        part for part in (was or "").split("; ") if part and part.removeprefix(RELEASED) not in SUSPICIONS
    ]
    found = codes.split("; ") if codes else []
    if is_released or any(note.startswith(RELEASED) for note in notes):
        found = [f"{RELEASED}{code}" for code in found]
    return "; ".join([*found, *notes]) or None


def kept_split_steps(codes: Texts, old: Sequence[str | None], applied: Floats) -> Texts:
    """Return suspicions with those split steps kept whose evidence came with an earlier delivery."""
    kept = codes.copy()
    for row in np.flatnonzero(np.isnan(applied)).tolist():
        if "split_step" in (old[row] or "") and "split_step" not in codes[row]:
            kept[row] = f"{codes[row]}; split_step" if codes[row] else "split_step"
    return kept


def with_quality(
    rows: pa.Table, reasons: Sequence[str | None], suspicions: Sequence[str] | Mapping[str, str]
) -> pa.Table:
    """Return rows with their reasons; suspect where the first is one of `suspicions` (any, if none)."""

    def is_suspect(reason: str | None) -> bool:
        first = (reason or "").split("; ")[0]
        return bool(first) and not first.startswith(RELEASED) and (not suspicions or first in suspicions)

    quality = ["suspect" if is_suspect(reason) else "ok" for reason in reasons]
    for name, column in (("quality", quality), ("quality_reason", list(reasons))):
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(column, pa.string()))
    return rows
