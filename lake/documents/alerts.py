"""Alerts as documents: of the whole lake for a publication, or of a few as they are raised."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ReplaceOne
from pymongo.database import Database

from lake.alerts.alert import Alert, alert_rows
from lake.documents.values import Document, documents

COLLECTION = "alerts"
NESTED = ("values",)
"""Columns that hold JSON."""

FIRST_COUNTS = ("origin", "fired_at")
"""Fields that stay what the first version of an alert said."""

COLUMNS = tuple(alert_rows([]).column_names)
"""What a document has besides its `_id`; what became of an alert's messages is not part of it."""


def alert_documents(alerts: Sequence[Alert]) -> list[Document]:
    """Return the documents of alerts, the same that a publication of the lake writes."""
    rows = alert_rows(alerts)
    return [{"_id": each["alert_id"], **each} for each in documents(rows, NESTED)]


def write_alerts(database: Database[Document], alerts: Sequence[Alert]) -> int:
    """Upsert alerts by their ids, versions of one in their order, and return how many were given."""
    collection = database[COLLECTION]
    found = alert_documents(alerts)
    ids = sorted({document["_id"] for document in found})
    # Asked, since the embedded server obeys $setOnInsert on documents that are there already.
    known = collection.find({"_id": {"$in": ids}}, dict.fromkeys(FIRST_COUNTS, 1))
    first = {each.pop("_id"): each for each in known}
    for document in found:
        document |= first.setdefault(document["_id"], {name: document[name] for name in FIRST_COUNTS})
    writes = [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in found]
    if writes:
        collection.bulk_write(writes, ordered=True)
    return len(writes)
