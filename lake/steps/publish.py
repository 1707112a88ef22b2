"""The publication step: the lake's results as MongoDB documents."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from lake.config import Settings
from lake.documents.publication import publish_collection
from lake.documents.server import connected
from lake.documents.sources import sources
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.training.folder import TrainingFolder


def publish_documents(settings: Settings) -> dict[str, Any]:
    """Make MongoDB hold what the lake holds and return {collection: {written, unchanged, removed}}.

    Documents have deterministic string ids; only what changed since the last publication is sent.
    Publications from one machine to one server wait for each other.

    Raises:
        BadConfiguration: MONGO_URL cannot be read.
        DocumentsUnavailable: the server did not answer, or was lost on the way.
    """
    lake = Lake.open(settings)
    with lake.writing(_lock_name(settings.mongo_url)), connected(settings.mongo_url) as database:
        database.command("ping")
        con = connect(lake)
        return {
            source.collection: asdict(
                publish_collection(database, source.collection, source.partitions(), source.nested)
            )
            for source in sources(con, TrainingFolder(lake.root))
        }


def _lock_name(mongo_url: str) -> str:
    # The address may hold a password, which is no part of a file's name.
    return f"publish-{hashlib.sha256(mongo_url.encode()).hexdigest()[:12]}"
