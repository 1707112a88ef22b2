"""alerts → messages to people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from faust.types import StreamT

from lake.alerts.alert import Alert
from lake.feed.topics import ALERTS
from lake.notify.notifier import Notifier
from lake.store.lake import Lake, now_utc
from stream_agents.agents.alert_events import alerts_of
from stream_agents.app import app, settings
from stream_agents.batches import Batches

MOST = 500
SECONDS = 0.02
ROUND_SECONDS = 2.0
"""How often what is due is looked for: retries, digests, the end of quiet hours."""

RECORD_SECONDS = 5.0
"""How often receipts go to the lake: a commit costs more than many messages."""

CATCH_UP_SECONDS = 30.0


@app.own_agent(ALERTS, name="notify")
async def notify(stream: StreamT[bytes]) -> None:
    """Write down what is to be sent, then let it be sent; an alert is done once that is written down."""
    lake = await asyncio.to_thread(Lake.open, settings)
    notifier = await asyncio.to_thread(Notifier, settings, now_utc)
    is_due = asyncio.Event()

    async def enqueue(alerts: Sequence[Alert]) -> None:
        await asyncio.to_thread(notifier.enqueue, alerts)
        is_due.set()

    async def deliver() -> None:
        recorded = 0.0
        while True:
            is_due.clear()
            await asyncio.to_thread(notifier.deliver)
            if time.monotonic() - recorded >= RECORD_SECONDS:
                await asyncio.to_thread(notifier.record, lake)
                recorded = time.monotonic()
            await _first_of(is_due, ROUND_SECONDS)

    async def catch_up() -> None:
        while True:
            await asyncio.to_thread(notifier.catch_up, lake)
            is_due.set()
            await asyncio.sleep(CATCH_UP_SECONDS)

    batches = Batches(enqueue, MOST, SECONDS)
    for task in (batches.run, deliver, catch_up):
        app.start_task(task, "notify")
    async for event in stream.noack().events():
        await batches.add(event, alerts_of(event))


async def _first_of(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
