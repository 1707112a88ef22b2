"""What an event of topic alerts holds, for both agents that read it."""

from __future__ import annotations

import logging

from faust.types import EventT

from lake.alerts.alert import Alert, decode

_log = logging.getLogger(__name__)


def alerts_of(event: EventT) -> list[Alert]:
    """Return the alert of an event; a record that is none is logged and left."""
    try:
        return [decode(event.value or b"")]
    except ValueError as error:
        _log.warning("offset %s of %s: %s", event.message.offset, event.message.tp, error)
        return []
