"""Kafka transport that fetches with a wait of our own; Faust's is 1.5 s, whatever one sets.

librdkafka's in-memory broker holds a fetch for all of that time, and every message with it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from faust.transport.drivers import aiokafka as driver

EMBEDDED_WAIT_MS = 10
WAIT_MS = 500


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer with another fetch wait."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = self.app.fetch_wait_ms
        return consumer


class Consumer(driver.Consumer):
    """Faust's consumer on that thread."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class Transport(driver.Transport):
    """Faust's transport with that consumer."""

    Consumer: ClassVar[Any] = Consumer
