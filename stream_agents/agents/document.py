"""alerts → MongoDB, one document an alert."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from faust.types import StreamT

from lake.alerts.alert import Alert
from lake.documents.alerts import write_alerts
from lake.documents.server import connected
from lake.errors import DocumentsUnavailable
from lake.feed.topics import ALERTS
from stream_agents.agents.alert_events import alerts_of
from stream_agents.app import app, settings
from stream_agents.batches import Batches

MOST = 500
SECONDS = 0.2
LONGEST_PAUSE = 30.0

_log = logging.getLogger(__name__)


@app.own_agent(ALERTS, name="document")
async def document(stream: StreamT[bytes]) -> None:
    """Write alerts as documents; while MongoDB is away they wait, unacknowledged."""
    batches = Batches(_write, MOST, SECONDS)
    app.start_task(batches.run, "document")
    async for event in stream.noack().events():
        await batches.add(event, alerts_of(event))


async def _write(alerts: Sequence[Alert]) -> None:
    pause = 1.0
    while True:
        try:
            await asyncio.to_thread(_write_now, alerts)
            return
        except DocumentsUnavailable as error:
            _log.warning("%s; the alerts wait and are tried again in %.0f s", error, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _write_now(alerts: Sequence[Alert]) -> None:
    with connected(settings.mongo_url) as database:
        write_alerts(database, alerts)
