"""Publishing one collection: skip what is unchanged, send the news, remove what vanished.

Each batch goes in three steps: open the ledger's entries, write the documents, close the entries.
A kill between any two leaves open entries, which the next publication does again. While one batch
is on its way the next is built.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pymongo import DeleteOne, ReplaceOne
from pymongo.database import Database

from lake.documents.fingerprint import UNKNOWN, Fingerprint, fingerprint
from lake.documents.ledger import Entry, Hashes, Ledger
from lake.documents.values import Document, documents

BATCH = 2_500
"""Documents a batch; a single-threaded server is then never silent for a heartbeat's length."""

Partitions = Iterable[tuple[str, pa.Table]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Documents of one collection that were written, already right, or removed."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one partition needs: numbers of rows to write, ids to remove, and its entry when done."""

    writes: list[int]
    removes: list[str]
    entry: Entry
    opened: Entry
    """The entry under which the partition is touched: what may be there, and what is certain."""


def plan(partition: str, now: Fingerprint, before: Hashes) -> Plan:
    """Return what turns the documents of `before` into those of `now`."""
    ids = list(now.hashes)
    writes = [row for row, (key, value) in enumerate(now.hashes.items()) if before.get(key) != value]
    removes = [key for key in before if key not in now.hashes]
    touched = dict.fromkeys([*(ids[row] for row in writes), *removes], UNKNOWN)
    return Plan(
        writes,
        removes,
        entry=Entry(partition, now.digest, now.hashes),
        opened=Entry(partition, None, {**before, **touched}),
    )


@dataclass(frozen=True, slots=True)
class _Changed:
    """A partition whose rows are not those that were published; no rows where it vanished."""

    partition: str
    now: Fingerprint
    rows: pa.Table | None


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What is sent of one partition."""

    plan: Plan
    documents: list[Document]


def publish_collection(
    database: Database[Document], name: str, partitions: Partitions, nested: Collection[str] = ()
) -> Counts:
    """Make a collection hold exactly the rows of `partitions`, by their string column `_id`.

    An id is unique and stays in its partition. Columns in `nested` hold JSON. One publication of
    a collection runs at a time.
    """
    publication = _Publication(database, name, nested)
    publication.run(partitions)
    return publication.counts


class _Publication:
    def __init__(self, database: Database[Document], name: str, nested: Collection[str]) -> None:
        self._documents = database[name]
        self._ledger = Ledger(database, name)
        self._nested = nested
        self.counts = Counts()

    def run(self, partitions: Partitions) -> None:
        """Publish every partition, then remove those that the ledger has and `partitions` lacks."""
        sending: Future[None] | None = None
        parcels: list[_Parcel] = []
        with ThreadPoolExecutor(max_workers=1) as sender:
            for group in _groups(self._changed(partitions)):
                # Asked before the next batch is on its way: the server answers one thing at a time.
                before = self._ledger.hashes([changed.partition for changed in group])
                _wait(sending)
                sending = sender.submit(self._send, parcels)
                parcels = [self._parcel(changed, before[changed.partition]) for changed in group]
            _wait(sending)
            self._send(parcels)

    def _changed(self, partitions: Partitions) -> Iterator[_Changed]:
        vanished = set(self._ledger.digests)
        for name, rows in partitions:
            vanished.discard(name)
            now = fingerprint(rows)
            if self._ledger.digests.get(name) == now.digest:
                self._count(unchanged=rows.num_rows)
            else:
                yield _Changed(name, now, rows)
        for name in sorted(vanished):
            yield _Changed(name, Fingerprint({}, ""), None)

    def _parcel(self, changed: _Changed, before: Hashes) -> _Parcel:
        planned = plan(changed.partition, changed.now, before)
        news = len(planned.writes)
        self._count(news, len(changed.now.hashes) - news, len(planned.removes))
        if changed.rows is None or not news:
            return _Parcel(planned, [])
        is_all = news == changed.rows.num_rows
        rows = changed.rows if is_all else changed.rows.take(planned.writes)
        return _Parcel(planned, documents(rows, self._nested))

    def _send(self, parcels: list[_Parcel]) -> None:
        self._ledger.write([each.plan.opened for each in parcels])
        writes: list[Any] = [
            ReplaceOne({"_id": document["_id"]}, document, upsert=True)
            for each in parcels
            for document in each.documents
        ]
        writes += [DeleteOne({"_id": key}) for each in parcels for key in each.plan.removes]
        for start in range(0, len(writes), BATCH):
            self._documents.bulk_write(writes[start : start + BATCH], ordered=False)
        entries = [each.plan.entry for each in parcels]
        emptied = [entry.partition for entry in entries if not entry.hashes]
        self._ledger.write([entry for entry in entries if entry.hashes], closed=emptied)

    def _count(self, written: int = 0, unchanged: int = 0, removed: int = 0) -> None:
        now = self.counts
        self.counts = Counts(now.written + written, now.unchanged + unchanged, now.removed + removed)


def _groups(partitions: Iterable[_Changed]) -> Iterator[list[_Changed]]:
    """Yield partitions together until they hold a batch of rows."""
    group: list[_Changed] = []
    size = 0
    for changed in partitions:
        group.append(changed)
        size += 1 if changed.rows is None else changed.rows.num_rows
        if size >= BATCH:
            yield group
            group, size = [], 0
    if group:
        yield group


def _wait(sending: Future[None] | None) -> None:
    if sending is not None:
        sending.result()
