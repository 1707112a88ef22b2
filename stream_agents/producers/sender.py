"""Sending candles: each to the partition of its symbol, no faster than the worker lands them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from lake.feed.messages import Feed, by_partition, encode_candles
from lake.feed.topics import CANDLES, CANDLES_RAW
from stream_agents.app import app, settings
from stream_agents.topics import prepare_topics

MOST_LAG = 2 * 1024 * 1024
"""Bytes of a partition that may wait for the worker; an embedded broker keeps 5 MiB."""

LOOK_EVERY = 256 * 1024
"""Bytes sent to a partition before its lag is looked at again."""

_log = logging.getLogger(__name__)


class Sender:
    """A producer of candles for topic `candles.raw`. An asynchronous context."""

    def __init__(self) -> None:
        address = settings.kafka_bootstrap_servers
        self._producer = AIOKafkaProducer(bootstrap_servers=address, acks="all", linger_ms=5)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=address, group_id=app.conf.id, enable_auto_commit=False
        )
        self._partitions: dict[str, int] = {}
        self._sent: list[Awaitable[Any]] = []
        self._bytes, self._messages, self._unlooked = 0, 0, 0

    async def __aenter__(self) -> Self:
        await prepare_topics(settings.kafka_bootstrap_servers)
        await self._producer.start()
        await self._consumer.start()
        for topic in (CANDLES_RAW, CANDLES):
            self._partitions[topic] = len(await self._producer.partitions_for(topic))
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._sent)
        await self._producer.stop()
        await self._consumer.stop()

    async def send(self, feed: Feed) -> None:
        """Send candles in their order, once there is room for them."""
        await self._wait_for_room()
        for partition, own in by_partition(feed, self._partitions[CANDLES_RAW]).items():
            for value in encode_candles(own):
                await self.send_raw(value, partition)

    async def send_raw(self, value: bytes, partition: int = 0) -> None:
        """Send bytes as they are."""
        self._sent.append(
            await self._producer.send(CANDLES_RAW, value, partition=partition, timestamp_ms=None)
        )
        self._messages += 1
        self._bytes += len(value)
        self._unlooked += len(value)

    async def _wait_for_room(self) -> None:
        if self._unlooked < LOOK_EVERY:
            return
        await asyncio.gather(*self._sent)
        self._sent, self._unlooked = [], 0
        rounds = 0
        while (lag := await self._largest_lag()) * self._bytes > MOST_LAG * self._messages:
            rounds += 1
            if rounds % 100 == 0:
                _log.warning("waiting for the worker: %s messages of a partition are not landed", lag)
            await asyncio.sleep(0.1)

    async def _largest_lag(self) -> int:
        """Return the most messages of any partition that the worker has not done with."""
        parts = [TopicPartition(topic, n) for topic, count in self._partitions.items() for n in range(count)]
        ends = await self._consumer.end_offsets(parts)
        done = await asyncio.gather(*[self._consumer.committed(part) for part in parts])
        return max(ends[part] - (offset or 0) for part, offset in zip(parts, done, strict=True))
