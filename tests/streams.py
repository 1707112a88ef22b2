"""A broker and a worker of our own for tests: real processes on a throw-away lake."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lake.config import Settings, load_settings
from lake.feed.topics import ALERTS, CANDLES, CANDLES_DEAD, CANDLES_RAW
from tests.lakes import ODD_FOLDER
from tests.stacks import OWN

CHECKOUT = Path(__file__).resolve().parent.parent
BIN = CHECKOUT / ".venv-stream" / "bin"
GROUP = "stock-alert-lakehouse"
HANGS = 600
"""Seconds after which a test is taken to hang."""


@dataclass
class Stream:
    """One broker's address, one lake, and the processes between them."""

    folder: Path
    mongo_url: str
    broker: dict[str, str]
    worker: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        """Return the settings of its lake."""
        return load_settings(lake_root=str(self.folder / ODD_FOLDER))

    @property
    def environment(self) -> dict[str, str]:
        """Return what its processes run in."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith((*OWN, "BROKER_"))}
        return {
            **kept,
            **self.broker,
            "LAKE_HOME": str(CHECKOUT),
            "LAKE_ROOT": str(self.folder / ODD_FOLDER),
            "MONGO_URL": self.mongo_url,
            "PYTHONPATH": str(CHECKOUT),
        }

    @property
    def log(self) -> str:
        """Return what the workers have said."""
        return (self.folder / "worker.log").read_text(errors="replace")

    @property
    def landed(self) -> int:
        """Return how many bars the workers have landed, those landed again included."""
        return sum(map(int, re.findall(r"Landed (\d+) bars", self.log)))

    def start(self) -> None:
        """Start the worker."""
        command = [str(BIN / "faust"), "-A", "stream_agents.app", "worker", "--without-web", "-l", "info"]
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                command, env=self.environment, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self) -> None:
        """Kill the worker with signal 9."""
        assert self.worker is not None and self.worker.poll() is None, self.log[-3000:]
        self.worker.kill()
        self.worker.wait()

    def stop(self) -> int:
        """End the worker in order and return its exit code."""
        assert self.worker is not None
        self.worker.send_signal(signal.SIGTERM)
        return self.worker.wait(HANGS)

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of the stream, such as replay."""
        return subprocess.Popen(
            [str(BIN / "faust"), "-A", "stream_agents.app", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """Run a command of the stream to its end and return what it said."""
        process = self.command(*arguments)
        out, err = process.communicate(timeout=HANGS)
        assert process.returncode == 0, err[-3000:]
        return out

    def lag(self, *topics: str) -> int:
        """Return how many messages of these topics the worker has not done with."""
        return sum(end - done for end, done in self.offsets(*topics).values())

    def offsets(self, *topics: str) -> dict[tuple[str, int], tuple[int, int]]:
        """Return the end and the group's committed offset of every partition."""
        with self._consumer() as consumer:
            done = consumer.committed(_partitions(consumer, topics), timeout=30)
            return {
                (part.topic, part.partition): (
                    consumer.get_watermark_offsets(part, timeout=30)[1],
                    max(part.offset, 0),
                )
                for part in done
            }

    def messages(self, topic: str) -> list[bytes]:
        """Return every message of a topic."""
        found: list[bytes] = []
        with self._consumer() as consumer:
            for part in _partitions(consumer, [topic]):
                end = consumer.get_watermark_offsets(part, timeout=30)[1]
                part.offset = 0
                consumer.assign([part])
                while part.offset < end:
                    message = consumer.poll(HANGS)
                    assert message is not None and message.error() is None
                    found.append(message.value())
                    part.offset = message.offset() + 1
        return found

    @contextmanager
    def _consumer(self) -> Iterator[Any]:
        from confluent_kafka import Consumer

        consumer = Consumer(
            {"bootstrap.servers": self.broker["KAFKA_BOOTSTRAP_SERVERS"], "group.id": GROUP, "log_level": 0}
        )
        try:
            yield consumer
        finally:
            consumer.close()

    def wait_until_it_reads(self) -> None:
        """Return once the newest worker has its state and goes on."""
        assert self.worker is not None
        ready = f"[{self.worker.pid}] [INFO] State of"
        self.wait_for(lambda: ready in self.log)

    def wait_until_done(self) -> None:
        """Return once everything in every topic has been landed, documented, notified or buried."""
        self.wait_for(lambda: self.lag(CANDLES_RAW) == 0)
        self.wait_for(lambda: self.lag(CANDLES, CANDLES_DEAD, ALERTS) == 0)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return once something is so; a worker that ends by itself is no use waiting for."""
        deadline = time.monotonic() + HANGS
        while not condition():
            assert self.worker is None or self.worker.poll() is None, self.log[-5000:]
            assert time.monotonic() < deadline, self.log[-5000:]
            time.sleep(0.2)


def _partitions(consumer: Any, topics: Sequence[str]) -> list[Any]:
    from confluent_kafka import TopicPartition

    known = consumer.list_topics(timeout=30).topics
    return [TopicPartition(name, number) for name in topics for number in sorted(known[name].partitions)]


def require_stream() -> None:
    """Skip by name where the stream's environment was not built."""
    if not (BIN / "faust").exists():
        pytest.skip("the stream's environment is not built here: run `make sync`")


@contextmanager
def embedded_broker(folder: Path) -> Iterator[dict[str, str]]:
    """Run an embedded broker and yield the variables that name it."""
    file = folder / "broker.env"
    with (folder / "broker.log").open("wb") as log:
        process = subprocess.Popen(
            [str(BIN / "python"), "-m", "stack.broker", "--env-file", str(file)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "LAKE_HOME": str(CHECKOUT)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + HANGS
        while not file.exists():
            assert process.poll() is None and time.monotonic() < deadline, (folder / "broker.log").read_text()
            time.sleep(0.05)
        yield dict(line.split("=", 1) for line in file.read_text().splitlines())
    finally:
        process.terminate()
        assert process.wait(HANGS) == 0
    assert not file.exists()


@contextmanager
def streaming(folder: Path, mongo_url: str, broker: dict[str, str]) -> Iterator[Stream]:
    """Yield a stream on a broker; its worker is gone at the end."""
    folder.mkdir(exist_ok=True)
    stream = Stream(folder, mongo_url, broker)
    try:
        yield stream
    finally:
        if stream.worker is not None and stream.worker.poll() is None:
            stream.worker.kill()
            stream.worker.wait()
