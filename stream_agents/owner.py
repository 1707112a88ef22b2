"""The owner of this worker's partitions of topic candles, from evaluation to acknowledgement.

The order is fixed: evaluate; send alerts at once; every so often wait until the broker has them, keep
them, merge the candles with the offsets in the commit, acknowledge. A kill anywhere repeats work under
the same ids.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from faust.types import EventT

from lake.alerts.alert import Alert, encode
from lake.alerts.keep import keep
from lake.feed.messages import Clock, decode, encode_bars, encode_clock, encode_dead
from lake.feed.partitions import partition_of
from lake.feed.topics import ALERTS, BARS, CANDLES, CANDLES_DEAD
from lake.feed.validate import REASONS, Fault
from lake.live.landing import Landing
from lake.live.market import LiveMarket, Taken
from lake.store.lake import Lake, now_utc
from stream_agents.app import app
from stream_agents.clock import EventClock
from stream_agents.dead import dead_letter
from stream_agents.markets import Markets
from stream_agents.waiting import Waiting

_log = logging.getLogger(__name__)
P = ParamSpec("P")
Result = TypeVar("Result")


class Owner:
    """Everything between an event of topic candles and its acknowledgement."""

    def __init__(self, lake: Lake, partitions: int, alert_partitions: int) -> None:
        self._lake, self._alert_partitions = lake, alert_partitions
        self._markets = Markets(lake, partitions)
        self._landing = Landing(lake, app.cluster, CANDLES)
        self._clocks: dict[int, EventClock] = {}
        self._assigned: frozenset[int] = frozenset()
        self._generation, self._restored = 0, 0
        self._done: dict[int, int] = {}
        self._waiting = Waiting()
        self._is_restoring, self._is_landing = asyncio.Lock(), asyncio.Lock()
        # One thread: state is never read while something is landed, and landings keep their order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lake")

    def assign(self, partitions: Iterable[int]) -> None:
        """Own these partitions from now on, and forget everything: it is read again from the lake."""
        self._generation += 1
        self._assigned = frozenset(partitions)
        self._waiting, self._done = Waiting(), {}

    async def take(self, event: EventT) -> None:
        """Evaluate an event, send its alerts, and let it wait to be landed."""
        await self.restore()
        generation, partition = self._generation, event.message.partition
        market = self._markets.of(partition)
        if market is None:
            return
        taken = await self._evaluated(event, market)
        sent: list[Awaitable[Any]] = []
        if taken is not None:
            sent = await self._send_alerts(taken.alerts)
            sent += [await app.put(BARS, partition, value) for value in encode_bars(taken.bars)]
            newest = max((closes_at for *_, closes_at in taken.bars), default=0)
            self._clocks[partition].has_come(newest, time.monotonic())
        if generation == self._generation:  # else whoever has the partition now reads the event again
            self._done[partition] = event.message.offset
            self._waiting.add(event, taken, sent)
            if self._waiting.is_full:
                await self.land()

    async def prepare(self) -> None:
        """Rebuild the state before it is known which partitions will be ours."""
        async with self._is_restoring:
            await self._in_thread(self._markets.prepare)

    async def restore(self) -> None:
        """Rebuild the state if the assignment has changed, from what has been landed."""
        async with self._is_restoring:
            while self._restored != self._generation:
                generation, began = self._generation, time.monotonic()
                closed_until = await self._in_thread(self._read_lake, self._assigned)
                self._clocks = {partition: EventClock() for partition in closed_until}
                for partition, moment in closed_until.items():
                    self._clocks[partition].has_come(moment, time.monotonic())
                self._restored = generation
                spent = time.monotonic() - began
                _log.info("State of %d partitions rebuilt from the lake in %.1f s", len(closed_until), spent)

    async def land(self) -> None:
        """Land what waits, and acknowledge it; evaluation may go on meanwhile, one landing ahead."""
        await self._is_landing.acquire()
        waiting, self._waiting = self._waiting, Waiting()
        app.start_task(partial(self._land, waiting, self._generation), "land")

    async def land_all(self) -> None:
        """Land everything that waits and return when that is done."""
        await self.land()
        async with self._is_landing:
            return

    async def land_if_due(self) -> None:
        """Land what waits if it has waited long enough."""
        if self._waiting.is_due and not self._is_landing.locked():
            await self.land()

    async def close_due(self) -> None:
        """Write the clock's word on bars that are over and have no successor to close them."""
        await self.restore()
        for partition, clock in self._clocks.items():
            market = self._markets.of(partition)
            if market is not None and app.has_read(CANDLES, partition, self._done.get(partition)):
                for bar in market.due(clock.now(time.monotonic())):
                    await (await app.put(CANDLES, partition, encode_clock(Clock(*bar))))

    async def _evaluated(self, event: EventT, market: LiveMarket) -> Taken | None:
        """Return what an event brings; one that says nothing usable becomes a dead letter."""
        try:
            found = decode(event.value or b"")
        except ValueError as error:
            return await self._bury(event, "no_candles", str(error))
        feed = [] if isinstance(found, Clock) else found
        symbols = {found.symbol} if isinstance(found, Clock) else {symbol for symbol, _ in feed}
        if unknown := self._markets.unknown(symbols):
            return await self._bury(event, "unknown_symbol", f"{REASONS['unknown_symbol']}: {unknown}")
        if isinstance(found, Clock):
            return market.close(*found, now_utc())
        return market.take(feed, now_utc())

    async def _bury(self, event: EventT, reason: str, detail: str) -> None:
        fault = Fault(None, reason, detail, event.value or b"")
        await (await app.put(CANDLES_DEAD, None, encode_dead(dead_letter(event, fault))))

    async def _send_alerts(self, alerts: Iterable[Alert]) -> list[Awaitable[Any]]:
        return [
            await app.put(
                ALERTS,
                partition_of(alert.symbol, self._alert_partitions),
                encode(alert),
                key=alert.symbol.encode(),
            )
            for alert in alerts
        ]

    async def _land(self, waiting: Waiting, generation: int) -> None:
        try:
            began = time.monotonic()
            await asyncio.gather(*waiting.sent)
            await self._in_thread(self._keep, waiting)
            if longer := await self._in_thread(self._markets.longer_news):
                self._markets.know(longer)
            spent = time.monotonic() - began
            _log.info("Landed %d bars and %d alerts in %.1f s", waiting.rows, len(waiting.alerts), spent)
            if generation == self._generation:
                for event in waiting.events:
                    event.ack()
                await app.commit_now(CANDLES)
                # Last: what it is for is the next start, and a kill before it costs that start some time.
                await self._in_thread(self._bring_states_forward, waiting)
        finally:
            self._is_landing.release()

    def _keep(self, waiting: Waiting) -> None:
        """Put what was evaluated into the lake, alerts first."""
        now = now_utc()
        if waiting.alerts:
            keep(self._lake, waiting.alerts, now)
        self._landing.land(waiting.bars, waiting.offsets, self._markets.exchanges, waiting.reasons, now)

    def _bring_states_forward(self, waiting: Waiting) -> None:
        self._markets.bring_states_forward(bar for own in waiting.bars.values() for bar in own)

    def _read_lake(self, partitions: frozenset[int]) -> dict[int, int]:
        """Rebuild everything from the lake and return how far event time had come in each partition."""
        self._landing.own(partitions)
        return self._markets.restore(partitions)

    async def _in_thread(self, work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *args, **kwargs))
