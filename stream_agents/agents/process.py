"""candles → bars, alerts, and the tables of the lake."""

from __future__ import annotations

import asyncio
from typing import Any

from faust.types import TP, StreamT

from lake.feed.topics import ALERTS, CANDLES
from lake.store.lake import Lake
from stream_agents.app import app, settings
from stream_agents.owner import Owner
from stream_agents.watchdog import watch

LOOK_SECONDS = 0.25
CLOCK_SECONDS = 1.0


@app.own_agent(CANDLES, name="process")
async def process(stream: StreamT[bytes]) -> None:
    """Evaluate candles partition by partition, and acknowledge what has been landed."""
    lake = await asyncio.to_thread(Lake.open, settings)
    owner = Owner(lake, await app.partitions_of(CANDLES), await app.partitions_of(ALERTS))

    async def on_assigned(_: Any, assigned: set[TP], **__: Any) -> None:
        owner.assign(tp.partition for tp in assigned if tp.topic == CANDLES)

    async def land() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await owner.land_if_due()

    async def close() -> None:
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            await owner.close_due()

    await owner.prepare()
    app.on_partitions_assigned.connect(on_assigned)
    if app.assigned:  # in the meantime
        await on_assigned(app, app.assigned)
    timers = [app.start_task(land, "land"), app.start_task(close, "clock")]

    async def rest() -> None:
        """Begin nothing more: the producer that it would be sent by stops next."""
        for timer in timers:
            timer.cancel()
        await asyncio.gather(*timers, return_exceptions=True)

    app.last_words += [rest, owner.land_all]
    app.start_task(watch, "watchdog")
    async for event in stream.noack().events():
        await owner.take(event)
