"""Print the worker's throughput and latency as ratios to a plain Kafka client that computes the same columns.

Both read the same topic `candles` of an embedded broker: closed one-minute candles of 500 symbols, 125 a
message. The plain client is `aiokafka.getmany` with a ring of 200 bars a symbol, on which it computes EMA 12
and 26, RSI 14, MACD, SMA 20 and ten candle patterns, and sends an alert for some; it keeps nothing. The
worker is the product's: sessions, longer bars, corrections, suspicion and a rule over the same columns on the
same candles; it lands every bar with its offsets in the lake, and survives kill -9. Its speed is counted
from its first landing to its last. For the latency one candle in ten of 200 a second raises an alert, and the
time is taken from sending the candle to reading the alert. Runs alternate; ratios are those of medians.

    .venv-stream/bin/python -m benchmarks.stream [--rounds 3] [--rules conf]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from talib import _ta_lib as talib

from lake.config import CHECKOUT, load_settings
from lake.feed.messages import by_partition, encode_candles
from lake.feed.topics import ALERTS, CANDLES
from lake.market.candles import Candle
from lake.market.sessions import calendar
from lake.steps.listings import enter_symbols
from lake.store.lake import Lake, now_utc

SYMBOLS, MINUTES = 500, 200
RATE, LATENCY_CANDLES = 200, 6_000
BARS_A_CANDLE = 1 + 1 / 5 + 13 / MINUTES + 6 / MINUTES
"""Bars that a candle makes in 200 minutes: itself, 40 of five minutes, 13 of fifteen, 6 of thirty."""

FETCH_WAIT_MS = 10
LAND_ROWS = 20_000
FIRST = np.datetime64("2019-01-02")
PATTERNS = ("CDLDOJI", "CDLHAMMER", "CDLENGULFING", "CDLHARAMI", "CDLMORNINGSTAR", "CDLEVENINGSTAR",
            "CDLSHOOTINGSTAR", "CDLPIERCING", "CDL3WHITESOLDIERS", "CDL3BLACKCROWS")  # fmt: skip

Feed = list[tuple[str, Candle]]

SAME_COLUMNS = """
same_columns:
  description: The columns of the plain client, on every minute.
  timeframes: [1m]
  fires: on_change
  severity: info
  message: "{symbol}"
  bullish:
    all:
      - rsi_14 < 25
      - ema_12 < ema_26
      - macd < macd_signal
      - close < sma_20
      - any: [PATTERNS]
"""
BUSY = 9_010
"""One candle in ten has a volume above this."""

BUSY_CANDLES = f"""
busy_candle:
  description: A minute of much volume.
  timeframes: [1m]
  fires: every_bar
  severity: info
  message: "{{symbol}}"
  bullish: volume > {BUSY}
"""


def feed() -> Feed:
    """Return a session of random walks, minute by minute, every symbol in each."""
    days = calendar("XNYS")
    number = int(np.searchsorted(days.sessions, FIRST))
    opens = int(days.opens_at[number].astype(np.int64))
    random = np.random.default_rng(7)
    rows: Feed = []
    last = random.uniform(20, 400, SYMBOLS)
    for minute in range(MINUTES):
        open_, close = last, last * np.exp(random.normal(0, 0.0006, SYMBOLS))
        spread = 1 + np.abs(random.normal(0, 0.0004, (2, SYMBOLS)))
        high, low = np.maximum(open_, close) * spread[0], np.minimum(open_, close) / spread[1]
        volume = random.integers(100, 10_000, SYMBOLS).astype(float)
        values = np.round(np.stack((open_, high, low, close)), 4).tolist()
        rows += [
            (f"S{n}", Candle("1m", opens + minute * 60_000_000, *prices, traded, True, False, "simulated"))
            for n, (*prices, traded) in enumerate(zip(*values, volume.tolist(), strict=True))
        ]
        last = close
    return rows


class PlainClient:
    """A consumer that computes section D's columns and keeps nothing."""

    def __init__(self, when_busy: bool) -> None:
        self._functions = [getattr(talib, name) for name in PATTERNS]
        self._rings: dict[str, Any] = {}
        self._when_busy = when_busy

    def raises(self, candle: dict[str, Any]) -> bool:
        """Push a candle into its ring and return whether it raises an alert."""
        ring = self._rings.get(candle["symbol"])
        if ring is None:
            ring = self._rings[candle["symbol"]] = np.ones((4, 200)) * candle["close"]
        ring[:, :-1] = ring[:, 1:]
        ring[:, -1] = (candle["open"], candle["high"], candle["low"], candle["close"])
        close = ring[3]
        fast, slow, rsi = talib.EMA(close, 12)[-1], talib.EMA(close, 26)[-1], talib.RSI(close, 14)[-1]
        line, signal, _ = talib.MACD(close)
        mean = talib.SMA(close, 20)[-1]
        found = sum(function(*ring)[-1] != 0 for function in self._functions)
        low = rsi < 25 and fast < slow and line[-1] < signal[-1] and close[-1] < mean
        return bool(candle["volume"] > BUSY if self._when_busy else low and found)


async def run_plain(address: str, when_busy: bool, candles: int) -> None:
    """Read topic candles until so many have come, and print how many a second after the first fifth."""
    client, seen, began = PlainClient(when_busy), 0, 0.0
    consumer = AIOKafkaConsumer(bootstrap_servers=address, fetch_max_wait_ms=FETCH_WAIT_MS)
    producer = AIOKafkaProducer(bootstrap_servers=address)
    await consumer.start()
    await producer.start()
    parts = [TopicPartition(CANDLES, number) for number in await producer.partitions_for(CANDLES)]
    consumer.assign(parts)
    await consumer.seek_to_beginning(*parts)
    while seen < candles:
        for records in (await consumer.getmany(timeout_ms=1_000, max_records=500)).values():
            for record in records:
                sent = []
                for candle in orjson.loads(record.value)["candles"]:
                    if client.raises(candle):
                        alert = orjson.dumps({"symbol": candle["symbol"], "ts": candle["ts"]})
                        sent.append(await producer.send(ALERTS, alert))
                    seen += 1
                await asyncio.gather(*sent)
        if not began and seen >= candles // 5:
            began, before = time.perf_counter(), seen
    print((seen - before) / (time.perf_counter() - began))
    await consumer.stop()
    await producer.stop()


@contextmanager
def broker(folder: Path) -> Iterator[dict[str, str]]:
    """Run an embedded broker and yield the variables that name it."""
    file = folder / "broker.env"
    process = subprocess.Popen(
        [sys.executable, "-m", "stack.broker", "--env-file", str(file)], stdout=subprocess.DEVNULL
    )
    while not file.exists():
        time.sleep(0.05)
    try:
        yield dict(line.split("=", 1) for line in file.read_text().splitlines())
    finally:
        process.terminate()
        process.wait()


def environment(folder: Path, variables: dict[str, str], rules: str | None) -> dict[str, str]:
    """Return the environment of a worker on a lake of its own, with rules of its own or those of conf."""
    home = folder / "home"
    shutil.copytree(CHECKOUT / "conf", home / "conf")
    (home / "sql").symlink_to(CHECKOUT / "sql")
    if rules is not None:
        patterns = ", ".join("cdl_" + name.removeprefix("CDL").lower() for name in PATTERNS)
        (home / "conf" / "rules.yaml").write_text(rules.replace("PATTERNS", patterns))
    places = {"LAKE_HOME": str(home), "LAKE_ROOT": str(folder / "lake"), "PYTHONPATH": str(CHECKOUT)}
    return {**os.environ, **variables, **places, "MONGO_URL": "mongodb://127.0.0.1:1/none"}


@contextmanager
def worker(folder: Path, variables: dict[str, str], rules: str | None) -> Iterator[Path]:
    """Run the worker until it reads, and yield its log."""
    own = environment(folder, variables, rules)
    lake = Lake.open(load_settings(lake_home=own["LAKE_HOME"], lake_root=own["LAKE_ROOT"]))
    enter_symbols(lake, [f"S{number}" for number in range(SYMBOLS)], "XNYS", now_utc())
    log = folder / "worker.log"
    with log.open("wb") as out:
        command = [str(Path(sys.executable).parent / "faust"), "-A", "stream_agents.app", "worker"]
        process = subprocess.Popen(
            [*command, "--without-web", "-l", "info"], env=own, cwd=folder, stdout=out, stderr=out
        )
    try:
        wait_until(lambda: "State of" in log.read_text(), process, log)
        yield log
    finally:
        process.terminate()
        process.wait()


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once something is so."""
    while not condition():
        if process.poll() is not None:
            raise SystemExit(f"the worker ended: {log.read_text()[-2000:]}")
        time.sleep(0.1)


async def fill(address: str, candles: Feed) -> None:
    """Put candles into topic candles, each minute as one message a partition."""
    async with AIOKafkaProducer(bootstrap_servers=address) as producer:
        partitions = len(await producer.partitions_for(CANDLES))
        for start in range(0, len(candles), SYMBOLS):
            for partition, own in by_partition(candles[start : start + SYMBOLS], partitions).items():
                for value in encode_candles(own):
                    await producer.send(CANDLES, value, partition=partition)
        await producer.flush()


def plain_speed(candles: Feed) -> float:
    """Return the plain client's candles a second."""
    with tempfile.TemporaryDirectory() as folder, broker(Path(folder)) as variables:
        address = variables["KAFKA_BOOTSTRAP_SERVERS"]
        asyncio.run(fill(address, candles))
        command = [sys.executable, "-m", "benchmarks.stream", "--plain", address, str(len(candles))]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def worker_speed(candles: Feed, rules: str | None) -> float:
    """Return the worker's candles a second, from its first landing to its last one."""
    with tempfile.TemporaryDirectory() as name, broker(Path(name)) as variables:
        folder = Path(name)
        asyncio.run(fill(variables["KAFKA_BOOTSTRAP_SERVERS"], candles))
        with worker(folder, variables, rules) as log:
            landed: list[tuple[float, int]] = []
            while sum(bars for _, bars in landed) < len(candles) * BARS_A_CANDLE - SYMBOLS:
                time.sleep(0.2)
                landed = landings(log.read_text())
        # The last landing waits for its time, unless the machine is so slow that all of them do.
        full = [entry for entry in landed if entry[1] >= LAND_ROWS]
        (began, _), *rest = full if len(full) > 2 else landed[:-1]
        return sum(bars for _, bars in rest) / BARS_A_CANDLE / (rest[-1][0] - began)


def landings(log: str) -> list[tuple[float, int]]:
    """Return when how many bars were landed."""
    found = re.findall(r"\[([\d :,.-]+)\].* Landed (\d+) bars", log)
    return [
        (datetime.fromisoformat(moment.replace(",", ".")).timestamp(), int(bars)) for moment, bars in found
    ]


async def latencies(address: str, candles: Feed) -> list[float]:
    """Return milliseconds from sending each candle to reading its alert, of the second half."""
    sent: dict[tuple[str, str], float] = {}
    found: list[float] = []
    wanted = sum(candle.volume > BUSY for _, candle in candles)
    async with (
        AIOKafkaProducer(bootstrap_servers=address) as producer,
        AIOKafkaConsumer(bootstrap_servers=address, fetch_max_wait_ms=FETCH_WAIT_MS) as consumer,
    ):
        partitions = len(await producer.partitions_for(CANDLES))
        consumer.assign([TopicPartition(ALERTS, n) for n in await producer.partitions_for(ALERTS)])

        async def read() -> None:
            while len(found) < wanted:
                for records in (await consumer.getmany(timeout_ms=1_000)).values():
                    now = time.perf_counter()
                    for record in records:
                        alert = orjson.loads(record.value)
                        found.append(1_000 * (now - sent[alert["symbol"], alert["ts"]]))

        reading = asyncio.create_task(read())
        began = time.perf_counter()
        for number, entry in enumerate(candles):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            ((partition, own),) = by_partition([entry], partitions).items()
            (value,) = encode_candles(own)
            candle = orjson.loads(value)["candles"][0]
            sent[candle["symbol"], candle["ts"]] = time.perf_counter()
            await producer.send(CANDLES, value, partition=partition)
        await reading
    return found[len(found) // 2 :]


def plain_latency(candles: Feed) -> list[float]:
    """Return the plain client's latencies."""
    with tempfile.TemporaryDirectory() as folder, broker(Path(folder)) as variables:
        address = variables["KAFKA_BOOTSTRAP_SERVERS"]
        command = [sys.executable, "-m", "benchmarks.stream", "--when-busy", "--plain", address]
        process = subprocess.Popen([*command, str(len(candles))], stdout=subprocess.DEVNULL)
        time.sleep(3)
        found = asyncio.run(latencies(address, candles))
        process.wait()
        return found


def worker_latency(candles: Feed) -> list[float]:
    """Return the worker's latencies."""
    with (
        tempfile.TemporaryDirectory() as name,
        broker(Path(name)) as variables,
        worker(Path(name), variables, BUSY_CANDLES),
    ):
        return asyncio.run(latencies(variables["KAFKA_BOOTSTRAP_SERVERS"], candles))


def main() -> None:
    """Measure, alternating, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rules", choices=("same", "conf"), default="same")
    parser.add_argument("--plain", nargs=2, metavar=("ADDRESS", "CANDLES"))
    parser.add_argument("--when-busy", action="store_true")
    given = parser.parse_args()
    if given.plain:
        asyncio.run(run_plain(given.plain[0], given.when_busy, int(given.plain[1])))
        return
    candles = feed()
    rules = SAME_COLUMNS if given.rules == "same" else None
    speeds = [(plain_speed(candles), worker_speed(candles, rules)) for _ in range(given.rounds)]
    plain, own = (median(column) for column in zip(*speeds, strict=True))
    print(f"plain client {plain:9,.0f} candles/s   worker {own:9,.0f} candles/s   ratio {own / plain:.2f}")
    few = candles[:LATENCY_CANDLES]
    pairs = [(p99(plain_latency(few)), p99(worker_latency(few))) for _ in range(given.rounds)]
    plain, own = (median(column) for column in zip(*pairs, strict=True))
    print(f"p99 at {RATE}/s: plain client {plain:.1f} ms   worker {own:.1f} ms   ratio {own / plain:.2f}")


def p99(found: list[float]) -> float:
    """Return the 99th percentile."""
    return quantiles(found, n=100)[-1]


if __name__ == "__main__":
    main()
