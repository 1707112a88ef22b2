"""Tables of alerts, of what was delivered of them, and of messages that could not be used."""

from __future__ import annotations

import pyarrow as pa

from lake.store.tables.spec import BITEMPORAL, UTC_MICROS, TableSpec, columns

ALERTS = TableSpec(
    name="alerts",
    schema=pa.schema(
        [
            *columns(
                alert_id=pa.string(),
                rule=pa.string(),
                rule_version=pa.string(),
                variant=pa.string(),
                symbol=pa.string(),
                timeframe=pa.string(),
                ts=UTC_MICROS,
                closes_at=UTC_MICROS,
                side=pa.string(),
                price=pa.float64(),
                severity=pa.string(),
                status=pa.string(),
                level_id=pa.string(),
                values=pa.string(),
                reason=pa.string(),
                origin=pa.string(),
                fired_at=UTC_MICROS,
            ),
            *BITEMPORAL,
        ]
    ),
    key=("alert_id", "timeframe"),
    partition_by=("timeframe",),
    compared=("status", "side", "price", "values"),
    clock="ts",
)
"""Alerts with every version: confirmed, provisional, or invalidated by a correction.

`values` is what the rule saw, as a JSON object; `price` the bar's close as traded. `origin` (batch or
stream) and `fired_at` are those of whoever wrote the version; the view shows the first one's.
"""

RULE_VERSIONS = TableSpec(
    name="rule_versions",
    schema=pa.schema(
        [
            *columns(rule=pa.string(), rule_version=pa.string(), definition=pa.string(), columns=pa.string()),
            *BITEMPORAL,
        ]
    ),
    key=("rule", "rule_version"),
    compared=("rule_version",),
)
"""Every version of every rule that alerts were raised by: its text with the rules it names, which can be
read by itself, and the parameters of the columns it reads, as a JSON object."""

NOTIFICATIONS = TableSpec(
    name="notifications",
    schema=pa.schema(
        [
            *columns(
                notification_id=pa.string(),
                alert_id=pa.string(),
                channel=pa.string(),
                event=pa.string(),
                attempt=pa.int64(),
                detail=pa.string(),
                occurred_at=UTC_MICROS,
            ),
            *BITEMPORAL,
        ]
    ),
    key=("notification_id", "event", "attempt"),
    compared=("occurred_at", "detail"),
)
"""What became of each message: the outbox's events in the lake, so that a delivery rewrites no alert."""

DEAD_LETTERS = TableSpec(
    name="dead_letters",
    schema=pa.schema(
        [
            *columns(
                dead_letter_id=pa.string(),
                topic=pa.string(),
                topic_partition=pa.int64(),
                message_offset=pa.int64(),
                message_index=pa.int64(),
                reason=pa.string(),
                detail=pa.string(),
                payload=pa.binary(),
                received_at=UTC_MICROS,
            ),
            *BITEMPORAL,
        ]
    ),
    key=("dead_letter_id",),
    compared=("reason",),
)
"""Messages, or single candles of one, that could not be used, with the original bytes and the reason."""
