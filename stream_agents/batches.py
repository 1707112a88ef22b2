"""Events in batches: written together, acknowledged after, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from faust.types import EventT

Item = TypeVar("Item")


class Batches(Generic[Item]):
    """Collects what a stream brings and hands it to `write` while more comes in.

    An event is acknowledged once everything up to it is written. What `write` raises ends the worker.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[None]], most: int, seconds: float) -> None:
        self._write, self._most, self._seconds = write, most, seconds
        self._waiting: list[tuple[EventT, Sequence[Item]]] = []
        self._is_writing = asyncio.Lock()
        self._has_some, self._has_room = asyncio.Event(), asyncio.Event()

    async def add(self, event: EventT, items: Sequence[Item]) -> None:
        """Take in an event with its items; wait while more than enough is waiting."""
        self._waiting.append((event, items))
        self._has_some.set()
        while len(self._waiting) >= 4 * self._most:
            self._has_room.clear()
            await self._has_room.wait()

    async def run(self) -> None:
        """Write what comes in, for ever."""
        while True:
            await self._has_some.wait()
            if len(self._waiting) < self._most:
                await asyncio.sleep(self._seconds)
            await self.flush()

    async def flush(self) -> None:
        """Write what is waiting now."""
        async with self._is_writing:
            batch, self._waiting = self._waiting, []
            self._has_some.clear()
            self._has_room.set()
            items = [item for _, own in batch for item in own]
            if items:
                await self._write(items)
            for event, _ in batch:
                event.ack()
