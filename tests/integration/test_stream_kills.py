"""Kill -9 of the worker, and of a real broker: every candle in the lake once, the alerts of a calm run."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lake.config import Settings
from lake.store.catalog import connect
from lake.store.lake import Lake
from stack.kafka import Kafka, fetch, missing, start
from tests.recordings import made_up, record
from tests.servers import MongoServer, free_port
from tests.streams import Stream, embedded_broker, require_stream, streaming

SYMBOLS, SESSIONS = 13, 10
CANDLES_AT_LEAST = 50_000

_numbers = itertools.count()


class Apache:
    """An Apache Kafka that can be killed and comes back at the same place."""

    def __init__(self, folder: Path) -> None:
        self._place = (fetch(), folder, free_port(), free_port())
        self.running: Kafka = start(*self._place)

    def kill_and_restart(self) -> None:
        """Kill the broker with signal 9 and start it again on its data."""
        began = time.monotonic()
        self.running.process.kill()
        self.running.process.wait()
        self.running = start(*self._place)
        print(f"broker killed, and back after {time.monotonic() - began:.1f} s")


@contextmanager
def apache(folder: Path) -> Iterator[Apache]:
    """Run an Apache Kafka, or skip by name what cannot be run here."""
    if lack := missing():
        pytest.skip(lack)
    broker = Apache(folder)
    try:
        yield broker
    finally:
        broker.running.stop()


def content(settings: Settings) -> tuple[dict[str, int], set[tuple[object, ...]], set[str]]:
    """Return rows by timeframe, all candles with their values, and the ids of confirmed alerts."""
    con = connect(Lake.open(settings))
    counts = dict(con.execute("SELECT timeframe, count(*) FROM lake.candles GROUP BY 1").fetchall())
    rows = con.execute(
        "SELECT symbol, timeframe, ts, open, high, low, close, volume FROM lake.candles"
    ).fetchall()
    ids = con.execute("SELECT alert_id FROM alerts WHERE status = 'confirmed'").fetchall()
    return counts, set(rows), {alert_id for (alert_id,) in ids}


def calm_run(stream: Stream, file: Path) -> int:
    """Replay a file undisturbed and return how many bars that lands."""
    stream.start()
    began = time.monotonic()
    stream.run("replay", "--path", str(file))
    stream.wait_until_done()
    print(f"undisturbed in {time.monotonic() - began:.1f} s")
    assert stream.stop() == 0
    return stream.landed


def disturbed_run(
    stream: Stream, file: Path, kills: int, bars: int, chance: random.Random, disturb: Callable[[], None]
) -> None:
    """Replay a file while the worker is killed, spread over the run; `disturb` once in the middle."""
    began = time.monotonic()
    stream.start()
    replay = stream.command("replay", "--path", str(file))
    for number in range(kills):
        wanted = bars * (number + 0.3) / (kills + 1)
        stream.wait_for(lambda wanted=wanted: stream.landed >= wanted)  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 2.0))
        if number == kills // 2:
            disturb()
        stream.kill()
        killed = time.monotonic()
        stream.start()
        stream.wait_until_it_reads()
        print(f"kill {number + 1}: reads on {time.monotonic() - killed:.1f} s after the restart")
    out, err = replay.communicate()
    assert replay.returncode == 0, out + err
    stream.wait_until_done()
    print(f"{kills} kills in {time.monotonic() - began:.1f} s, {stream.landed - bars:+d} bars landed again")
    assert stream.stop() == 0


def check(
    tmp_path: Path,
    mongo: MongoServer,
    broker: dict[str, str],
    kills: int,
    seed: int,
    disturb: Callable[[], None] = lambda: None,
) -> None:
    """Check that a disturbed run leaves what a calm one does; each has a broker of its own kind."""
    feed = made_up(SYMBOLS, SESSIONS, seed)
    assert len(feed) >= CANDLES_AT_LEAST
    file = record(feed, tmp_path / "minutes.parquet")
    (tmp_path / "calm_broker").mkdir()
    with (
        embedded_broker(tmp_path / "calm_broker") as calm_broker,
        streaming(tmp_path / "calm", database(mongo), calm_broker) as calm,
    ):
        bars = calm_run(calm, file)
    with streaming(tmp_path / "killed", database(mongo), broker) as killed:
        disturbed_run(killed, file, kills, bars, random.Random(seed), disturb)
    expected, found = content(calm.settings), content(killed.settings)
    assert expected[0] == found[0]
    assert found[0]["1m"] == len(feed)
    assert expected[1] == found[1]
    assert expected[2] == found[2]
    assert len(found[2]) > 1_000


def database(mongo: MongoServer) -> str:
    """Return the address of a fresh database."""
    return mongo.url(f"kills_{next(_numbers)}")


def on_embedded(tmp_path: Path, mongo: MongoServer, kills: int, seed: int) -> None:
    """Check kills of the worker on an embedded broker."""
    require_stream()
    (tmp_path / "broker").mkdir()
    with embedded_broker(tmp_path / "broker") as broker:
        check(tmp_path, mongo, broker, kills, seed)


def on_apache(tmp_path: Path, mongo: MongoServer, kills: int, seed: int) -> None:
    """Check kills of the worker and one of the broker on an Apache Kafka."""
    require_stream()
    with apache(tmp_path / "kafka") as broker:
        address = {"KAFKA_BOOTSTRAP_SERVERS": broker.running.address}
        check(tmp_path, mongo, address, kills, seed, broker.kill_and_restart)


def test_four_kills_on_the_embedded_broker_lose_and_double_nothing(
    tmp_path: Path, mongo_server: MongoServer
) -> None:
    on_embedded(tmp_path, mongo_server, kills=4, seed=20240304)


def test_four_kills_and_one_of_an_apache_kafka_lose_and_double_nothing(
    tmp_path: Path, mongo_server: MongoServer
) -> None:
    on_apache(tmp_path, mongo_server, kills=4, seed=20240305)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_many_kills_on_the_embedded_broker(tmp_path: Path, mongo_server: MongoServer, seed: int) -> None:
    on_embedded(tmp_path, mongo_server, kills=10, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_many_kills_on_an_apache_kafka(tmp_path: Path, mongo_server: MongoServer, seed: int) -> None:
    on_apache(tmp_path, mongo_server, kills=10, seed=seed)
