"""Landing: closed bars become rows of table candles, and how far a partition was read goes with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from lake.market.bars import VALUES, Dates, Times
from lake.market.candles import Candle
from lake.market.quality import check_values
from lake.market.sessions import calendar
from lake.sources.intake import partition_numbers
from lake.store.lake import Lake
from lake.store.tables import TABLES
from lake.store.tables.spec import BITEMPORAL, UTC_MICROS
from lake.store.transactions import Transactions
from lake.universe import DERIVED

ClosedBar = tuple[str, Candle, int]
"""A closed bar of a symbol, with the moment it closed in microseconds."""


Reasons = Mapping[tuple[str, str, int], str]
"""Why bars are suspect, by symbol, timeframe and start."""


class Landing:
    """Lands the bars of the partitions that this process owns, and notices when one is not its own any more.

    `cluster` names the broker and, for one that forgets, its life: offsets of another one mean nothing.
    """

    def __init__(self, lake: Lake, cluster: str, topic: str) -> None:
        self._lake = lake
        self._prefix = f"{cluster}/{topic}-"
        self._known: dict[str, set[int | None]] = {}

    def own(self, partitions: Iterable[int]) -> None:
        """Take over partitions: what the lake says of them now is where others have come."""
        table = self._lake.table("candles")
        names = [self._name(partition) for partition in partitions]
        self._known = {name: {table.transaction_version(name)} for name in names}

    def land(
        self,
        bars: Mapping[int, Sequence[ClosedBar]],
        offsets: Mapping[int, int],
        exchanges: Mapping[str, str],
        suspicions: Reasons,
        now: datetime,
    ) -> None:
        """Merge each partition's bars in their order, with the partitions' next offsets in the commit.

        Raises:
            TransactionTaken: another process has landed one of the partitions; nothing was landed now.
        """
        rows = candle_rows([bar for own in bars.values() for bar in own], exchanges, suspicions)
        versions = {self._name(partition): offset for partition, offset in offsets.items()}
        transactions = Transactions(versions, self._known)
        with self._lake.writing("candles"):
            known_at = self._lake.stamp("candles", now)
            self._lake.upsert("candles", rows, known_at, transactions=transactions)
        for name, version in versions.items():
            self._known[name].add(version)

    def _name(self, partition: int) -> str:
        return f"{self._prefix}{partition}"


def candle_rows(bars: Sequence[ClosedBar], exchanges: Mapping[str, str], suspicions: Reasons) -> pa.Table:
    """Return closed bars as rows of table candles, as batch ingestion writes them, known_at aside."""
    spec = TABLES["candles"]
    schema = pa.schema([field for field in spec.schema if field not in BITEMPORAL])
    if not bars:
        return schema.empty_table()
    symbols, candles, ends = zip(*bars, strict=True)
    timeframes, starts, *values, _, suspect, sources = zip(*candles, strict=True)
    ts = np.array(starts, dtype=np.int64).view("datetime64[us]")
    numbers = {name: np.array(column, dtype=float) for name, column in zip(VALUES, values, strict=True)}
    is_derived = np.array([source == DERIVED for source in sources], dtype=bool)
    notes = np.where(is_derived, "", check_values(*numbers.values()).note).tolist()
    keys = zip(symbols, timeframes, starts, strict=True)
    # A derived bar is suspect for its minutes, which say why.
    found = [suspicions.get(key, "") if doubt else "" for key, doubt in zip(keys, suspect, strict=True)]
    reasons = ["; ".join(filter(None, each)) or None for each in zip(found, notes, strict=True)]
    columns = {
        "symbol": symbols,
        "timeframe": timeframes,
        "ts": pa.array(ts).cast(UTC_MICROS),
        "closes_at": pa.array(np.array(ends, dtype=np.int64).view("datetime64[us]")).cast(UTC_MICROS),
        "session": pa.array(_sessions(ts, [exchanges[symbol] for symbol in symbols])),
        **numbers,
        "is_complete": pa.repeat(True, len(bars)),
        "quality": np.where(np.array(suspect, dtype=bool), "suspect", "ok"),
        "quality_reason": pa.array(reasons, pa.string()),
        "price_basis": pa.repeat("raw", len(bars)),
        "source": sources,
        "month": partition_numbers("month", ts),
    }
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def _sessions(ts: Times, exchanges: Collection[str]) -> Dates:
    places = np.array(exchanges)
    found = np.empty(len(ts), dtype="datetime64[D]")
    for exchange in set(exchanges):
        days, own = calendar(exchange), places == exchange
        found[own] = days.sessions[np.searchsorted(days.opens_at, ts[own], side="right") - 1]
    return found
