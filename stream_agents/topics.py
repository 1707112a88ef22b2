"""Topics on the broker: made where they are missing, and how many partitions they have."""

from __future__ import annotations

import asyncio
import time

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from lake.errors import LakeError
from lake.feed.topics import TOPICS

PARTITIONS = 16
"""Of topics that we make; an embedded broker has its own number."""

PATIENCE = 30.0


class BrokerUnavailable(LakeError):
    """A Kafka broker that did not answer."""


async def prepare_topics(address: str) -> str:
    """Make the topics that are missing, and return the name of the cluster once all are there.

    Raises:
        BrokerUnavailable: the broker did not answer, or has no such topics and makes none.
    """
    deadline = time.monotonic() + PATIENCE
    complaint = "no answer"
    while time.monotonic() < deadline:
        admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
        try:
            await admin.start()
            missing = set(TOPICS) - set(await admin.list_topics())
            if not missing:
                return str((await admin.describe_cluster())["cluster_id"])
            complaint = f"no topics {', '.join(sorted(missing))}"
            await admin.create_topics([NewTopic(name, PARTITIONS, -1) for name in sorted(missing)])
        except (KafkaError, OSError) as error:
            complaint = f"{complaint}; {type(error).__name__} {error}"
        finally:
            await admin.close()
        await asyncio.sleep(0.2)
    raise BrokerUnavailable(
        f"expected a Kafka broker with its topics at {address}, found {complaint}; "
        "start it or correct KAFKA_BOOTSTRAP_SERVERS"
    )
