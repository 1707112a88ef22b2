"""What was evaluated and waits to be landed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from typing import Any

from faust.types import EventT

from lake.alerts.alert import Alert
from lake.live.landing import ClosedBar
from lake.live.market import Taken

LAND_ROWS = 20_000
LAND_SECONDS = 5.0
"""So many closed bars, or the first event waiting so long, and what waits is landed together."""


@dataclass(slots=True)
class Waiting:
    """Events with what they brought, in order."""

    since: float = 0.0
    rows: int = 0
    bars: dict[int, list[ClosedBar]] = field(default_factory=dict)
    reasons: dict[tuple[str, str, int], str] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    offsets: dict[int, int] = field(default_factory=dict)
    events: list[EventT] = field(default_factory=list)
    sent: list[Awaitable[Any]] = field(default_factory=list)

    def add(self, event: EventT, taken: Taken | None, sent: Iterable[Awaitable[Any]]) -> None:
        """Add an event, what came of it, and what of that is on its way to the broker."""
        message = event.message
        self.since = self.since or time.monotonic()
        self.events.append(event)
        self.offsets[message.partition] = message.offset + 1
        self.sent += sent
        if taken is not None:
            self.rows += len(taken.bars)
            self.bars.setdefault(message.partition, []).extend(taken.bars)
            self.reasons |= taken.suspicions
            self.alerts += taken.alerts

    @property
    def is_full(self) -> bool:
        """Return whether so much waits that it should be landed now."""
        return self.rows >= LAND_ROWS

    @property
    def is_due(self) -> bool:
        """Return whether the first of it has waited long enough."""
        return bool(self.events) and time.monotonic() - self.since >= LAND_SECONDS
