"""The ledger of publications: for each partition of a collection, what MongoDB holds of it.

An entry keeps a digest of the partition's rows, so that an unchanged one is skipped, and for each
document its id and a hash of its content, so that of a changed one only the news is sent. Before
a partition is touched its entry is *opened*: no digest, and no hash for the documents about to
change. So whatever a killed publication left half done is known, and done again.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pymongo import DeleteOne, ReplaceOne
from pymongo.database import Database

from lake.documents.fingerprint import UNKNOWN
from lake.documents.values import Document

COLLECTION = "publications"

Hashes = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one partition: `hashes` by document id; no `digest` while it is open."""

    partition: str
    digest: str | None
    hashes: Hashes

    @property
    def certain(self) -> int:
        """Return how many documents of the partition have a known content."""
        return sum(value != UNKNOWN for value in self.hashes.values())


class Ledger:
    """The entries of one collection, as they stood when it was opened."""

    def __init__(self, database: Database[Document], collection: str) -> None:
        self._entries = database[COLLECTION]
        self._collection = collection
        shown = {"partition": 1, "digest": 1, "certain": 1}
        found = list(self._entries.find({"collection": collection}, shown))
        expected = sum(entry["certain"] for entry in found)
        # Where documents were lost, dropped by hand for example, no entry can be believed.
        self._is_believed = database[collection].estimated_document_count() >= expected
        self.digests: dict[str, str | None] = {
            entry["partition"]: entry["digest"] if self._is_believed else None for entry in found
        }
        """The digest of every partition that may be there; None where its state is not certain."""

    def hashes(self, partitions: Sequence[str]) -> dict[str, Hashes]:
        """Return, for each partition, the id and hash of every document that may be there."""
        listed = [self._id(name) for name in partitions if name in self.digests]
        stored = list(self._entries.find({"_id": {"$in": listed}})) if listed else []
        return {name: {} for name in partitions} | {
            entry["partition"]: self._believed(_unpacked(entry)) for entry in stored
        }

    def _believed(self, hashes: Hashes) -> Hashes:
        return hashes if self._is_believed else dict.fromkeys(hashes, UNKNOWN)

    def write(self, entries: Sequence[Entry], closed: Sequence[str] = ()) -> None:
        """Store entries, and drop those of the partitions in `closed`."""
        writes: list[Any] = [
            ReplaceOne({"_id": self._id(entry.partition)}, self._document(entry), upsert=True)
            for entry in entries
        ]
        writes += [DeleteOne({"_id": self._id(partition)}) for partition in closed]
        if writes:
            self._entries.bulk_write(writes, ordered=False)

    def _id(self, partition: str) -> str:
        return f"{self._collection}|{partition}"

    def _document(self, entry: Entry) -> Document:
        return {
            "_id": self._id(entry.partition),
            "collection": self._collection,
            "partition": entry.partition,
            "digest": entry.digest,
            "certain": entry.certain,
            # Text, because the embedded server takes no binary values in bulk.
            "ids": b64encode(zlib.compress("\n".join(entry.hashes).encode(), 1)).decode(),
            "hashes": np.fromiter(entry.hashes.values(), np.dtype("<u8")).tobytes().hex(),
        }


def _unpacked(stored: Document) -> Hashes:
    text = zlib.decompress(b64decode(stored["ids"])).decode()
    ids = text.split("\n") if text else []
    hashes = np.frombuffer(bytes.fromhex(stored["hashes"]), np.dtype("<u8"))
    return dict(zip(ids, hashes.tolist(), strict=True))
