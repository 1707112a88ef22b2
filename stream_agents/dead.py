"""Dead letters of this worker's events."""

from __future__ import annotations

from faust.types import EventT

from lake.feed.messages import DeadLetter
from lake.feed.validate import Fault
from lake.store.lake import now_utc
from stream_agents.app import app


def dead_letter(event: EventT, fault: Fault) -> DeadLetter:
    """Return the dead letter of a fault in an event's message."""
    message = event.message
    return DeadLetter(
        app.cluster,
        message.topic,
        message.partition,
        message.offset,
        fault.index,
        fault.reason,
        fault.detail,
        fault.payload,
        now_utc(),
    )
