"""Malformed messages among good ones: each set aside with its reason and its bytes, and nothing stops."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from lake.feed.messages import LARGEST, decode_dead, encode_candles
from lake.feed.partitions import partition_of
from lake.feed.topics import CANDLES_DEAD, CANDLES_RAW
from lake.market.candles import Candle
from lake.steps.listings import enter_symbols
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from tests.recordings import made_up
from tests.streams import Stream

OF_EACH_KIND = 50
OF_LONG_ONES = 12
"""The embedded broker forgets what is beyond 5 MiB of a partition."""

Candles = dict[str, Any]
Spoil = Callable[[bytes, Candles], bytes]


def changed(**values: Any) -> Spoil:
    """Return how to spoil a candle by other values."""
    return lambda _, candle: json.dumps({"v": 1, "candles": [{**candle, **values}]}).encode()


def without(_: bytes, candle: Candles) -> bytes:
    """Return a message whose candle lacks its close."""
    return json.dumps({"v": 1, "candles": [{k: v for k, v in candle.items() if k != "close"}]}).encode()


KINDS: dict[str, tuple[str, Spoil]] = {
    "bad UTF-8": ("bad_utf8", lambda good, _: good.replace(b"candles", b"cand\xff\xfes")),
    "cut off": ("bad_json", lambda good, _: good[: len(good) // 2]),
    "null bytes": ("bad_json", lambda good, _: b"\0" * len(good)),
    "deep": ("too_deep", lambda *_: b'{"v":1,"candles":' * 2_000),
    "too long": ("too_long", lambda good, _: good + b" " * LARGEST),
    "infinite": ("not_finite", changed(high=float("inf"))),
    "1e308": ("too_large", changed(high=1e308)),
    "negative": ("not_positive", changed(low=-1.0)),
    "high below low": ("high_below_low", lambda _, c: changed(high=c["low"] * 0.9)(b"", c)),
    "missing key": ("missing_key", without),
    "wrong type": ("wrong_type", changed(volume="many")),
    "future": ("future", changed(ts="2049-06-01T14:30:00Z")),
    "stranger": ("unknown_symbol", changed(symbol="WHO")),
}


def messages(seed: int) -> tuple[list[tuple[int, bytes]], list[tuple[str, Candle]], list[tuple[str, bytes]]]:
    """Return what is sent, by raw partition: good candles one a message, and spoiled copies among them."""
    feed = made_up(symbols=6, sessions=1, seed=seed)
    chance = random.Random(seed)
    spoiled = []
    for reason, spoil in KINDS.values():
        for symbol, candle in chance.sample(feed, OF_LONG_ONES if reason == "too_long" else OF_EACH_KIND):
            (good,) = encode_candles([(symbol, candle)])
            spoiled.append((reason, spoil(good, json.loads(good)["candles"][0])))
    places = sorted(chance.choices(range(len(feed)), k=len(spoiled)))
    chance.shuffle(spoiled)
    sent: list[tuple[int, bytes]] = []
    waiting = list(zip(places, spoiled, strict=True))
    for place, (symbol, candle) in enumerate(feed):
        while waiting and waiting[0][0] <= place:
            sent.append((chance.randrange(4), waiting.pop(0)[1][1]))
        sent.append((partition_of(symbol, 4), next(encode_candles([(symbol, candle)]))))
    return sent, feed, spoiled


def test_malformed_messages_are_set_aside_and_good_ones_all_land(stream: Stream) -> None:
    sent, feed, spoiled = messages(seed=11)
    lake = Lake.open(stream.settings)
    enter_symbols(lake, {symbol for symbol, _ in feed}, None, now_utc())
    stream.start()
    first = stream.worker
    producer = Producer({"bootstrap.servers": stream.broker["KAFKA_BOOTSTRAP_SERVERS"]})
    for partition, value in sent:
        producer.produce(CANDLES_RAW, value, partition=partition)
        producer.poll(0)
    assert producer.flush(60) == 0
    stream.wait_until_done()
    assert stream.worker is first
    assert stream.stop() == 0

    con = connect(lake)
    (landed,) = con.execute("SELECT count(*) FROM candles WHERE timeframe = '1m'").fetchone() or (0,)
    rows = con.execute("SELECT reason, payload, topic, topic_partition, message_offset FROM dead_letters")
    dead = rows.fetchall()
    assert len(spoiled) >= 500
    assert landed == len(feed)
    assert landed + len(dead) == len(sent)
    assert sorted((reason, bytes(payload)) for reason, payload, *_ in dead) == sorted(spoiled)
    assert len({(partition, offset) for *_, partition, offset in dead}) == len(dead)
    assert {topic for _, _, topic, *_ in dead} == {CANDLES_RAW}
    letters = [decode_dead(value) for value in stream.messages(CANDLES_DEAD)]
    assert sorted((each.reason, each.payload) for each in letters) == sorted(spoiled)
