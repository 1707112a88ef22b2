"""The embedded broker as a process: Kafka's protocol in memory, for one machine and no one else.

It keeps about 5 MiB per partition, loses everything when it stops and listens where it likes; the
address and a name for this one life go into a file, which every part reads after `.env`.

    python -m stack.broker [--env-file FILE]
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import time
from pathlib import Path

from lake.config import load_settings
from lake.feed.topics import TOPICS

START_SECONDS = 30


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m stack.broker", description=__doc__.split("\n\n")[0])
    parser.add_argument("--env-file", type=Path, help="where to write the address (var/run/broker.env)")
    path = parser.parse_args().env_file or load_settings().var_folder / "run" / "broker.env"
    stopping = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)  # before librdkafka's threads inherit the mask
    cluster, address = _start()
    epoch = f"{int(time.time())}-{secrets.token_hex(4)}"
    write_env_file(path, f"KAFKA_BOOTSTRAP_SERVERS={address}\nBROKER_EPOCH={epoch}\n")
    print(f"embedded broker {epoch} listens on {address}", flush=True)
    signal.sigwait(stopping)
    path.unlink(missing_ok=True)
    del cluster


def _start() -> tuple[object, str]:
    """Start the broker and create every topic; it lives as long as the object returned."""
    from confluent_kafka.admin import AdminClient

    cluster = AdminClient({"test.mock.num.brokers": 1, "log_level": 3})
    for name in TOPICS:
        cluster.list_topics(name, timeout=START_SECONDS)  # asking for a topic is what creates it
    (broker,) = cluster.list_topics(timeout=START_SECONDS).brokers.values()
    return cluster, f"{broker.host}:{broker.port}"


def write_env_file(path: Path, text: str) -> None:
    """Put the file there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


if __name__ == "__main__":
    main()
