"""What the topics carry: candles, many a message, the clock's word, closed bars, and dead letters."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from lake.feed.partitions import partition_of
from lake.feed.times import micros_of, text_of
from lake.market.candles import Candle
from lake.store.tables.alerts import DEAD_LETTERS

VERSION = 1

LARGEST = 256 * 1024
"""A message of candles is at most this many bytes."""

_CANDLE_BYTES = 320
"""More than a candle ever takes: its numbers at full length, its symbol and source at their longest."""

MANY = LARGEST // _CANDLE_BYTES
"""Candles that always fit into one message."""

KEYS = ("symbol", "timeframe", "ts", "open", "high", "low", "close", "volume", "is_closed", "source")
"""What a candle in a message has, all of it."""

Feed = Sequence[tuple[str, Candle]]
"""Candles with their symbols, in order of delivery."""

_row = itemgetter(*KEYS)


class Clock(NamedTuple):
    """The clock's word that a bar has closed; `ts` is its start in microseconds."""

    symbol: str
    timeframe: str
    ts: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What could not be used: where it came from, why not, and its bytes.

    `index` is the candle's place in its message, None where the message as a whole is meant;
    `payload` is the message, or that one candle of several. `cluster` names the broker's life,
    since an embedded one counts from 0 again.
    """

    cluster: str
    topic: str
    partition: int
    offset: int
    index: int | None
    reason: str
    detail: str
    payload: bytes
    received_at: datetime

    @property
    def dead_letter_id(self) -> str:
        """Return what names this dead letter, however often it is written."""
        place = (self.cluster, self.topic, self.partition, self.offset, self.index)
        return hashlib.sha256("\x1f".join(map(str, place)).encode()).hexdigest()


def encode_candles(feed: Feed) -> Iterator[bytes]:
    """Yield candles as messages of topic `candles`, in order, each of at most LARGEST bytes."""
    for start in range(0, len(feed), MANY):
        found = [
            {
                "symbol": symbol,
                "timeframe": candle.timeframe,
                "ts": text_of(candle.ts),
                "open": candle.open,
                "high": candle.high,
                "low": candle.low,
                "close": candle.close,
                "volume": candle.volume,
                "is_closed": candle.is_closed,
                "source": candle.source,
            }
            for symbol, candle in feed[start : start + MANY]
        ]
        yield orjson.dumps({"v": VERSION, "candles": found})


def encode_clock(clock: Clock) -> bytes:
    """Return the clock's word as a message of topic `candles`."""
    word = {"symbol": clock.symbol, "timeframe": clock.timeframe, "ts": text_of(clock.ts)}
    return orjson.dumps({"v": VERSION, "clock": word})


def decode(value: bytes) -> list[tuple[str, Candle]] | Clock:
    """Return what a message of topic `candles` says; that it is valid is its writer's word.

    Raises:
        ValueError: it is not a message of that topic.
    """
    document = orjson.loads(value)
    try:
        if "clock" in document:
            word = document["clock"]
            return Clock(word["symbol"], word["timeframe"], micros_of(word["ts"]))
        return candles_of_rows(map(_row, document["candles"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"expected candles or a clock message, found one without {error}") from error


def candles_of_rows(rows: Iterable[Sequence[Any]]) -> list[tuple[str, Candle]]:
    """Return candles with their symbols from rows in the order of KEYS."""
    columns = list(zip(*rows, strict=True))
    if not columns:
        return []
    symbols, timeframes, times, *prices, is_closed, sources = columns
    ts = map(micros_of, times)
    suspect = (False,) * len(symbols)
    made = zip(timeframes, ts, *prices, is_closed, suspect, sources, strict=True)
    return list(zip(symbols, map(Candle._make, made), strict=True))


def by_partition(feed: Feed, partitions: int) -> dict[int, list[tuple[str, Candle]]]:
    """Return candles by the partition that carries them, in order within each."""
    found: dict[int, list[tuple[str, Candle]]] = {}
    for entry in feed:
        found.setdefault(partition_of(entry[0], partitions), []).append(entry)
    return found


def encode_bars(bars: Sequence[tuple[str, Candle, int]]) -> Iterator[bytes]:
    """Yield closed bars as messages of topic `bars`; each says when it closed."""
    for start in range(0, len(bars), MANY):
        found = [
            {
                "symbol": symbol,
                "timeframe": bar.timeframe,
                "ts": text_of(bar.ts),
                "closes_at": text_of(closes_at),
                "open": bar.open,
                "high": bar.high,
                "low": bar.low,
                "close": bar.close,
                "volume": bar.volume,
                "source": bar.source,
            }
            for symbol, bar, closes_at in bars[start : start + MANY]
        ]
        yield orjson.dumps({"v": VERSION, "bars": found})


def encode_dead(letter: DeadLetter) -> bytes:
    """Return a dead letter as a record of topic `candles.dead`, its bytes in base64."""
    found = {**asdict(letter), "payload": base64.b64encode(letter.payload).decode()}
    return orjson.dumps(found, option=orjson.OPT_UTC_Z)


def decode_dead(record: bytes) -> DeadLetter:
    """Return the dead letter of a record.

    Raises:
        ValueError: it is not one.
    """
    try:
        found = orjson.loads(record)
        payload = base64.b64decode(found["payload"])
        received_at = datetime.fromisoformat(found["received_at"])
        return DeadLetter(**{**found, "payload": payload, "received_at": received_at})
    except (KeyError, TypeError) as error:
        raise ValueError(f"expected a dead letter, found: {error}") from error


def dead_letter_rows(letters: Sequence[DeadLetter]) -> pa.Table:
    """Return dead letters as rows of table dead_letters, known_at aside."""
    schema = pa.schema(
        [each for each in DEAD_LETTERS.schema if each.name not in ("known_at", "superseded_at")]
    )
    rows = [
        {
            "dead_letter_id": letter.dead_letter_id,
            "topic": letter.topic,
            "topic_partition": letter.partition,
            "message_offset": letter.offset,
            "message_index": letter.index,
            "reason": letter.reason,
            "detail": letter.detail,
            "payload": letter.payload,
            "received_at": letter.received_at,
        }
        for letter in letters
    ]
    return pa.Table.from_pylist(rows, schema=schema)
