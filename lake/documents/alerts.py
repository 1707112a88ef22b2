"""Alerts as documents at the moment they fire; a publication completes them later."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import UpdateOne

from lake.alerts.alert import Alert, alert_rows
from lake.documents.server import connected
from lake.documents.values import documents

COLLECTION = "alerts"

_FIRST = ("origin", "fired_at")
"""Said by whoever was first, as in view alerts."""


def write_alerts(mongo_url: str, alerts: Sequence[Alert]) -> None:
    """Upsert one document an alert, the last version of each counting.

    Raises:
        DocumentsUnavailable: the server did not answer; nothing is lost by writing them again.
    """
    rows = alert_rows(alerts)
    found = documents(rows.append_column("_id", rows["alert_id"]), nested=("values",))
    updates = [
        UpdateOne(
            {"_id": each["_id"]},
            {
                "$set": {name: value for name, value in each.items() if name not in (*_FIRST, "_id")},
                "$setOnInsert": {name: each[name] for name in _FIRST},
            },
            upsert=True,
        )
        for each in found
    ]
    with connected(mongo_url) as database:
        database[COLLECTION].bulk_write(updates, ordered=True)
