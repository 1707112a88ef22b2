"""A real Apache Kafka of one node, from its Maven artifacts; topics and data stay on disk.

python -m stack.kafka [--env-file FILE] [--data FOLDER] [--port 19092]
"""

from __future__ import annotations

import argparse
import base64
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from lake.config import CHECKOUT, load_settings
from lake.feed.topics import TOPICS
from stack.broker import write_env_file
from stack.errors import StackFailed
from stack.heed import ask_again_if_lost

VERSION = "4.3.1"
JAVA = 17
PARTITIONS = 16
PORT = 19_092
START_SECONDS = 60
STOP_SECONDS = 30
LARGEST_MESSAGE = 4 * 1024 * 1024
"""A dead letter holds a whole message of up to 1 MiB in base64, and says what was wrong with it."""

_HERE = Path(__file__).resolve().parent
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


@dataclass(frozen=True, slots=True)
class Kafka:
    """A running broker."""

    process: subprocess.Popen[bytes]
    address: str

    def stop(self) -> int:
        """Ask it to end in order and return its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)


def missing() -> str | None:
    """Return in one sentence what this machine lacks to run Apache Kafka, or None."""
    for program in ("java", "mvn"):
        if not shutil.which(program):
            return f"expected {program} for BROKER=apache, found none; install a JDK {JAVA} and Maven"
    said = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    if not found or int(found.group(1)) < JAVA:
        version = found.group(1) if found else "an unknown version"
        return f"expected Java {JAVA} or later for BROKER=apache, found {version}; install a JDK {JAVA}"
    return None


def refuse_missing_java() -> None:
    """Check that Java and Maven are here.

    Raises:
        StackFailed: one is missing or too old.
    """
    if lack := missing():
        raise StackFailed(lack)


def fetch(cache: Path = CHECKOUT / ".tools") -> Path:
    """Return the folder of Kafka's jars, brought by Maven the first time.

    Raises:
        StackFailed: Java or Maven is missing, or Maven could not bring them.
    """
    refuse_missing_java()
    jars = cache / f"kafka-{VERSION}"
    if not jars.is_dir():
        fresh = cache / f"kafka-{VERSION}.{uuid.uuid4().hex}"
        command = ["mvn", "-q", "-B", "-f", str(_HERE / "kafka.pom.xml"), _COPY, "-DincludeScope=runtime"]
        done = subprocess.run([*command, f"-DoutputDirectory={fresh}"], capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            said = (done.stdout + done.stderr).strip().splitlines() or ["nothing"]
            raise StackFailed(f"expected Maven to bring Apache Kafka {VERSION}, found: {said[0]}")
        if not jars.is_dir():
            fresh.rename(jars)
    return jars


def start(jars: Path, folder: Path, port: int, controller_port: int, log: Path | None = None) -> Kafka:
    """Start a broker with its data in `folder`, formatted the first time, and return when topics exist.

    Raises:
        StackFailed: it did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(_properties(folder, port, controller_port))
    if not (folder / "data" / "meta.properties").exists():
        _format(jars, folder, properties)
    with (log or folder / "server.log").open("ab") as out:
        heap = ["-Xms128m", "-Xmx512m", "-Djava.awt.headless=true", "-Dlog4j2.shutdownHookEnabled=false"]
        process = subprocess.Popen(
            _java(jars, folder, heap, "kafka.Kafka", str(properties)), stdout=out, stderr=subprocess.STDOUT
        )
    address = f"127.0.0.1:{port}"
    try:
        _create_topics(process, address, log or folder / "server.log")
    except BaseException:  # asked to end while it starts: leave no Java behind
        process.kill()
        raise
    return Kafka(process, address)


def _format(jars: Path, folder: Path, properties: Path) -> None:
    name = cluster_id()
    heap = ["-Xmx128m", "-XX:TieredStopAtLevel=1"]
    arguments = ("kafka.tools.StorageTool", "format", "-t", name, "-c", str(properties))
    done = subprocess.run(_java(jars, folder, heap, *arguments), capture_output=True, text=True)
    if done.returncode:
        raise StackFailed(f"Apache Kafka did not format {folder}: {(done.stderr or done.stdout).strip()}")


def cluster_id() -> str:
    """Return a new random id that does not look like an option, as `Uuid.randomUuid` of Kafka does."""
    ids = (base64.urlsafe_b64encode(drawn.bytes).decode().rstrip("=") for drawn in iter(uuid.uuid4, None))
    return next(each for each in ids if not each.startswith("-"))


def _java(jars: Path, folder: Path, heap: list[str], *arguments: str) -> list[str]:
    return [
        "java",
        *heap,
        "-XX:+UseSerialGC",
        "-Djava.net.preferIPv4Stack=true",
        f"-Dlog4j2.configurationFile={_HERE / 'kafka.log4j2.xml'}",
        f"-Dkafka.logs.dir={folder}",
        "-cp",
        f"{jars}/*",
        *arguments,
    ]


def _properties(folder: Path, port: int, controller_port: int) -> str:
    return "\n".join(
        [
            "process.roles=broker,controller",
            "node.id=1",
            f"controller.quorum.voters=1@127.0.0.1:{controller_port}",
            f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name=PLAINTEXT",
            "controller.listener.names=CONTROLLER",
            f"log.dirs={folder / 'data'}",
            "auto.create.topics.enable=false",
            "offsets.topic.num.partitions=4",
            "offsets.topic.replication.factor=1",
            "transaction.state.log.num.partitions=4",
            "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            "default.replication.factor=1",
            "min.insync.replicas=1",
            "group.initial.rebalance.delay.ms=0",
            "group.min.session.timeout.ms=1000",
            # A broker that was killed may register again after this long, by default after 9 s.
            "broker.session.timeout.ms=3000",
            "broker.heartbeat.interval.ms=500",
            "log.segment.bytes=67108864",
            f"message.max.bytes={LARGEST_MESSAGE}",
            f"replica.fetch.max.bytes={LARGEST_MESSAGE}",
            "",
        ]
    )


def _create_topics(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Create what is missing, as soon as the broker answers."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": address, "log_level": 0, "socket.timeout.ms": 2000})
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            known = admin.list_topics(timeout=2).topics
            lacking = [name for name in TOPICS if name not in known]
            if not lacking:
                return
            made = admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in lacking])
            for future in made.values():
                future.result(timeout=5)
        except KafkaException:  # not up yet, or the topic was made a moment ago: look again
            time.sleep(0.1)
    raise StackFailed(f"Apache Kafka did not start within {START_SECONDS} s; see {log}")


def main() -> None:
    """Run until SIGTERM or SIGINT; end with the broker's own exit code if it ends by itself."""
    settings = load_settings()
    parser = argparse.ArgumentParser(prog="python -m stack.kafka", description=__doc__.split("\n\n")[0])
    parser.add_argument("--env-file", type=Path, default=settings.var_folder / "run" / "broker.env")
    parser.add_argument("--data", type=Path, default=settings.var_folder / "kafka")
    parser.add_argument("--port", type=int, default=PORT, help="and the one 100 above it")
    given = parser.parse_args()
    ask_again_if_lost()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    kafka = start(fetch(), given.data, given.port, given.port + 100)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: kafka.process.terminate())
    write_env_file(given.env_file, f"KAFKA_BOOTSTRAP_SERVERS={kafka.address}\n")
    print(f"Apache Kafka {VERSION} listens on {kafka.address}", flush=True)
    code = kafka.process.wait()
    given.env_file.unlink(missing_ok=True)
    raise SystemExit(0 if code == 128 + signal.SIGTERM else code)


if __name__ == "__main__":
    main()
