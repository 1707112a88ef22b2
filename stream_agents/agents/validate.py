"""candles.raw → candles, or candles.dead with the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from faust.types import EventT, StreamT

from lake.feed.listing import Listing
from lake.feed.messages import by_partition, encode_candles, encode_dead
from lake.feed.topics import CANDLES, CANDLES_DEAD, CANDLES_RAW
from lake.feed.validate import Checked, check
from lake.store.lake import Lake, now_utc
from lake.universe import read_universe
from stream_agents.app import app, settings
from stream_agents.dead import dead_letter
from stream_agents.flight import Flight

ON_THEIR_WAY = 500
"""Messages whose candles may be on their way to the broker at once."""


@app.own_agent(CANDLES_RAW, name="validate")
async def validate(stream: StreamT[bytes]) -> None:
    """Pass on what may enter the lake and set aside what may not; a message is done when all of it is."""
    listing = Listing(await asyncio.to_thread(Lake.open, settings))
    sources = read_universe(settings.conf_folder).ranks()
    partitions = await app.partitions_of(CANDLES)
    flight = Flight(ON_THEIR_WAY)
    async for event in stream.noack().events():
        found = check(event.value, listing.exchanges, sources, now_utc())
        if found.has_unknown_symbols and listing.refresh():
            found = check(event.value, listing.exchanges, sources, now_utc())
        app.count(candles=len(found.candles), dead=len(found.faults), extended_hours=found.extended_hours)
        await flight.add(event, await _sent(event, found, partitions))


async def _sent(event: EventT, found: Checked, partitions: int) -> list[Awaitable[Any]]:
    sent = [
        await app.put(CANDLES, partition, value)
        for partition, feed in by_partition(found.candles, partitions).items()
        for value in encode_candles(feed)
    ]
    letters = [dead_letter(event, fault) for fault in found.faults]
    return sent + [await app.put(CANDLES_DEAD, None, encode_dead(letter)) for letter in letters]
