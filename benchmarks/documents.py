"""Print publication of a lake to MongoDB against a bare bulk upsert of ready documents, as ratios.

Both write the same documents by string `_id` into fresh databases of one fresh nx-27017, in turn.
The bare side has its documents in memory and sends them by `bulk_write` of 5,000 upserts, unordered.
The publication opens the lake, reads and joins its tables, fingerprints every row, makes documents,
keeps its ledger and sends. A ratio above 1 means faster than bare.

    .venv/bin/python -m benchmarks.documents [--rounds 5]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from pymongo import MongoClient, ReplaceOne

from lake.config import Settings, load_settings
from lake.documents.sources import sources
from lake.documents.values import Document, documents
from lake.steps.derive import derive_longer_bars
from lake.steps.enrich import enrich_features
from lake.steps.ingest import default_request, ingest
from lake.steps.publish import publish_documents
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.training.folder import TrainingFolder
from tests.servers import MongoServer, start_mongo

SYMBOLS = ("AAPL", "IBM")
BATCH = 5_000
TARGET = 0.9

Ready = dict[str, list[Document]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of each side")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        root = str(Path(folder) / "lake")
        print(f"filling a lake with the sample's bars of {' and '.join(SYMBOLS)}", flush=True)
        ready = prepared(load_settings(lake_root=root))
        server = start_mongo(Path(folder))
        try:
            report(ready, list(measured(root, ready, server, rounds)))
        finally:
            server.stop()


def prepared(settings: Settings) -> Ready:
    """Fill a lake with the real sample bars and their features; return its documents, ready to send."""
    ingest(settings, default_request(settings, source="sample", symbols=SYMBOLS))
    derive_longer_bars(settings)
    enrich_features(settings)
    lake = Lake.open(settings)
    ready: Ready = {}
    for source in sources(connect(lake), TrainingFolder(lake.root)):
        for _, rows in source.partitions():
            ready.setdefault(source.collection, []).extend(documents(rows, source.nested))
    return ready


def measured(root: str, ready: Ready, server: MongoServer, rounds: int) -> Iterator[dict[str, float]]:
    """Yield the seconds of each side, the sides changing places from round to round."""
    for number in range(rounds):
        settings = load_settings(lake_root=root, mongo_url=server.url(f"published_{number}"))

        def bare(number: int = number) -> None:
            send(ready, server.url(f"bare_{number}"))

        def publish(settings: Settings = settings) -> None:
            publish_documents(settings)

        sides: list[tuple[str, Callable[[], None]]] = [("bare", bare), ("published", publish)]
        seconds = {name: timed(side) for name, side in (sides if number % 2 else reversed(sides))}
        seconds["again"] = timed(publish)
        check(ready, server, number)
        listed = ", ".join(f"{name} {taken:.1f} s" for name, taken in seconds.items())
        print(f"round {number + 1} of {rounds}: {listed}", flush=True)
        yield seconds


def send(ready: Ready, url: str) -> None:
    """Upsert ready documents by `_id`."""
    with MongoClient[Document](url) as client:
        for name, rows in ready.items():
            collection: Any = client.get_default_database()[name]
            for start in range(0, len(rows), BATCH):
                batch = rows[start : start + BATCH]
                collection.bulk_write(
                    [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in batch], ordered=False
                )


def check(ready: Ready, server: MongoServer, number: int) -> None:
    """Stop unless both sides hold the same number of documents."""
    with MongoClient[Document](server.url("admin")) as client:
        for name, rows in ready.items():
            for database in (f"bare_{number}", f"published_{number}"):
                found = client[database][name].estimated_document_count()
                assert found == len(rows), f"{database}.{name}: expected {len(rows)}, found {found}"


def timed(side: Callable[[], None]) -> float:
    """Return how many seconds `side` takes."""
    began = time.perf_counter()
    side()
    return time.perf_counter() - began


def report(ready: Ready, rounds: list[dict[str, float]]) -> None:
    """Print medians and their ratios."""
    count = sum(map(len, ready.values()))
    bare, published, again = (
        median(each[name] for each in rounds) for name in ("bare", "published", "again")
    )
    ratios = [each["bare"] / each["published"] for each in rounds]
    print(f"{count:,} documents, medians of {len(rounds)} rounds; ratios are bare / published")
    print(f"bare bulk upsert      {bare:7.2f} s  {count / bare:9,.0f} documents/s")
    print(f"publication           {published:7.2f} s  {count / published:9,.0f} documents/s")
    print(f"publication, no news  {again:7.2f} s  {count / again:9,.0f} documents/s")
    print(f"ratio {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), target >= {TARGET}")


if __name__ == "__main__":
    main()
