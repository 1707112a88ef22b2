"""Events as one column a kind and event, for whatever judges bars by arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import numpy as np

from lake.levels.level import Event, EventName, Kind
from lake.market.bars import Bools, Times

FLAGS = tuple(f"{kind}_{event}" for kind in get_args(Kind) for event in get_args(EventName))
"""`support_touch`, `support_bounce`, …, `resistance_role_flip`; the kind is the role before the event."""


def flags(events: Iterable[Event], ts: Times) -> dict[str, Bools]:
    """Return for each of `FLAGS` on which bars, given by their starts, it happened."""
    found = {name: np.zeros(len(ts), dtype=np.bool_) for name in FLAGS}
    rows = {moment: row for row, moment in enumerate(ts.astype("datetime64[us]").astype(np.int64).tolist())}
    for event in events:
        if event.ts in rows:
            found[f"{event.kind}_{event.event}"][rows[event.ts]] = True
    return found
