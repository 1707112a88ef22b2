"""Hours of a day in which a channel stays silent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of day to another in a zone, across midnight where the second is the earlier one.

    Alerts of the severities in `let_through` are delivered all the same.
    """

    begins: time
    ends: time
    zone: ZoneInfo
    let_through: frozenset[str] = frozenset()

    def cover(self, now: datetime) -> bool:
        """Return whether a moment lies in these hours."""
        here = now.astimezone(self.zone).time()
        if self.begins <= self.ends:
            return self.begins <= here < self.ends
        return here >= self.begins or here < self.ends
