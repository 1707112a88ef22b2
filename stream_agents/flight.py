"""Messages on their way to the broker, and the events that are done when they have arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

from faust.types import EventT

from stream_agents.ending import end


class Flight:
    """Acknowledges each event once its messages have arrived; at most `most` events wait for that."""

    def __init__(self, most: int) -> None:
        self._room = asyncio.Semaphore(most)

    async def add(self, event: EventT, futures: Sequence[Awaitable[Any]]) -> None:
        """Watch over an event's messages."""
        if not futures:
            event.ack()
            return
        await self._room.acquire()
        asyncio.gather(*futures).add_done_callback(partial(self._arrived, event))

    def _arrived(self, event: EventT, outcome: asyncio.Future[Any]) -> None:
        self._room.release()
        if outcome.cancelled():
            return
        if error := outcome.exception():
            end(error)
        event.ack()
