"""The Faust application: settings, topics, and what starts and stops with the worker."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import faust
from faust.types import TP
from mode import CrashingSupervisor

from lake.config import load_settings
from stream_agents.ending import Stop, end
from stream_agents.topics import prepare_topics
from stream_agents.transport import EMBEDDED_WAIT_MS, WAIT_MS, Transport

settings = load_settings()

SWITCH_SECONDS = 0.001
"""How soon the event loop gets its turn beside threads that land or send; the default is five times that."""


class StreamApp(faust.App):
    """Faust's application with a fetch wait of our own, topics made first, and an orderly last word."""

    fetch_wait_ms = EMBEDDED_WAIT_MS if settings.broker_epoch else WAIT_MS
    cluster = settings.broker_epoch
    """What offsets are counted in: the embedded broker's one life, or the cluster's name."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.last_words: list[Callable[[], Awaitable[None]]] = []
        """What is done before an orderly stop, while the broker is still listened to."""
        self.counted: Counter[str] = Counter()
        self.assigned: set[TP] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_partitions_assigned.connect(self._remember_assignment, weak=False)

    async def on_start(self) -> None:
        """Make the topics before anybody asks for them."""
        sys.setswitchinterval(SWITCH_SECONDS)
        cluster = await prepare_topics(settings.kafka_bootstrap_servers)
        self.cluster = self.cluster or cluster
        await super().on_start()

    async def on_stop(self) -> None:
        """Land what is pending, then stop."""
        stop = Stop()
        for word in self.last_words:
            await word()
        await super().on_stop()
        stop.is_landed = True

    async def _remember_assignment(self, _: Any, assigned: set[TP], **__: Any) -> None:
        self.assigned = assigned

    def _create_directories(self) -> None:
        return  # there are no Faust tables: the lake is the state

    async def _on_agent_error(self, agent: Any, error: BaseException) -> None:
        end(error)  # Faust would count the message as done and go on

    def _on_autodiscovery_error(self, name: str) -> None:
        raise  # an agent that cannot be imported must not be missing in silence

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    async def partitions_of(self, topic: str) -> int:
        """Return how many partitions a topic has."""
        producer = await self.maybe_start_producer()
        return len(await producer._ensure_producer().partitions_for(topic))

    async def put(self, topic: str, partition: int | None, value: bytes, key: bytes | None = None) -> Any:
        """Hand a message to the producer and return a future that is done when the broker has it."""
        return await self.producer.send(topic, key, value, partition, None, None)

    def start_task(self, task: Callable[[], Awaitable[None]], name: str) -> asyncio.Task[None]:
        """Run something beside the agents; its failure ends the worker."""

        async def guarded() -> None:
            try:
                await task()
            except Exception as error:
                end(error)

        started = asyncio.get_running_loop().create_task(guarded(), name=name)
        self._tasks.add(started)  # the loop itself keeps no hold on it
        started.add_done_callback(self._tasks.discard)
        return started

    def has_read(self, topic: str, partition: int, last: int | None) -> bool:
        """Return whether the broker has nothing of a partition after offset `last`, None: after the start."""
        tp = TP(topic, partition)
        if tp not in self.consumer.assignment():
            return False
        newest = self.consumer.highwater(tp)
        last = self.consumer._read_offset.get(tp) if last is None else last
        return newest is not None and (newest == 0 or (last is not None and last >= newest - 1))

    def acknowledged(self, tp: TP) -> int:
        """Return up to which offset a partition was acknowledged to the broker."""
        return self.consumer._committed_offset.get(tp) or 0

    async def commit_now(self, topic: str) -> None:
        """Tell the broker at once how far we are, so that little is read again after a kill."""
        await self.consumer.commit({topic})

    def count(self, **numbers: int) -> None:
        """Add to what this worker has seen, for the log."""
        self.counted.update(numbers)

    def own_agent(self, topic: str, name: str) -> Callable[[Any], Any]:
        """Return the decorator of an agent that reads raw bytes, one message at a time, and never lets go."""
        channel = self.topic(
            topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        return self.agent(
            channel,
            name=name,
            concurrency=1,
            supervisor_strategy=CrashingSupervisor,
        )


app = StreamApp(
    "stock-alert-lakehouse",
    origin="stream_agents",
    autodiscover=["stream_agents.agents", "stream_agents.producers"],
    broker=[f"kafka://{address}" for address in settings.kafka_bootstrap_servers.split(",")],
    store="memory://",
    web_enabled=False,
    # The default of 60 s is how long everybody waits for a worker that was killed.
    broker_session_timeout=6.0,
    broker_heartbeat_interval=2.0,
    broker_max_poll_records=5_000,
    broker_commit_interval=1.0,
    consumer_auto_offset_reset="earliest",
    consumer_max_fetch_size=4 * 1024 * 1024,
    producer_max_request_size=4 * 1024 * 1024,
    producer_linger=0.0,
    stream_buffer_maxsize=4_096,
    stream_wait_empty=False,
    topic_allow_declare=False,
    topic_disable_leader=True,
    topic_replication_factor=1,
)
