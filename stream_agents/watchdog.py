"""The watchdog: a worker that has stopped getting on, or whose broker is another one now, ends itself.

Whoever started it starts it again; it then reads on from what was acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from lake.config import load_settings
from lake.feed.topics import CANDLES, CANDLES_DEAD, CANDLES_RAW
from stream_agents.app import app, settings
from stream_agents.ending import end
from stream_agents.stall import Stall

WATCHED = (CANDLES_RAW, CANDLES, CANDLES_DEAD)
"""Alerts may wait for a MongoDB that is down; nothing else waits for anybody outside."""

LOOK_SECONDS = 10.0
STALLED_SECONDS = 60.0
"""A landing may wait that long for a batch run that holds the table's lock."""

_log = logging.getLogger(__name__)


async def watch() -> None:
    """Compare what the broker has with what is acknowledged, for ever."""
    stall = Stall(STALLED_SECONDS)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        _refuse_another_broker()
        stuck = stall.stuck(await _lags(), time.monotonic())
        if stuck:
            names = ", ".join(f"{topic}-{partition}" for topic, partition in sorted(stuck))
            end(f"nothing of {names} was acknowledged for {STALLED_SECONDS:.0f} s although more is there")


def _refuse_another_broker() -> None:
    """End if the embedded broker was started anew: it is at another address, and knows nothing of us."""
    now = load_settings()
    if now.broker_epoch and settings.broker_epoch and now.broker_epoch != settings.broker_epoch:
        end(f"the broker is {now.broker_epoch} now, no longer {settings.broker_epoch}")


async def _lags() -> Mapping[tuple[str, int], tuple[int, int]]:
    """Return the end and what is acknowledged of every partition that is ours, while the broker answers."""
    own = [tp for tp in app.assigned if tp.topic in WATCHED]
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, request_timeout_ms=5_000)
    try:
        await consumer.start()
        ends = await consumer.end_offsets([TopicPartition(*tp) for tp in own]) if own else {}
    except (KafkaError, OSError) as error:
        _log.warning("The broker does not say how far it is: %s", error)
        return {}
    finally:
        await consumer.stop()
    return {(tp.topic, tp.partition): (ends[TopicPartition(*tp)], app.acknowledged(tp)) for tp in own}
