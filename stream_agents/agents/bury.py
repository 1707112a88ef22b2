"""candles.dead → table dead_letters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from faust.types import StreamT

from lake.feed.messages import DeadLetter, dead_letter_rows, decode_dead
from lake.feed.topics import CANDLES_DEAD
from lake.store.lake import Lake, now_utc
from stream_agents.app import app, settings
from stream_agents.batches import Batches

MOST = 2_000
SECONDS = 2.0

_log = logging.getLogger(__name__)


@app.own_agent(CANDLES_DEAD, name="bury")
async def bury(stream: StreamT[bytes]) -> None:
    """Keep what could not be used; a record that is no dead letter itself is logged and left."""
    lake = await asyncio.to_thread(Lake.open, settings)

    async def write(letters: Sequence[DeadLetter]) -> None:
        await asyncio.to_thread(_keep, lake, letters)

    batches = Batches(write, MOST, SECONDS)
    app.last_words.append(batches.flush)
    app.start_task(batches.run, "bury")
    async for event in stream.noack().events():
        try:
            letters = [decode_dead(event.value or b"")]
        except ValueError as error:
            _log.warning("offset %s of %s: %s", event.message.offset, event.message.tp, error)
            letters = []
        await batches.add(event, letters)


def _keep(lake: Lake, letters: Sequence[DeadLetter]) -> None:
    with lake.writing("dead_letters"):
        lake.upsert("dead_letters", dead_letter_rows(letters), lake.stamp("dead_letters", now_utc()))
