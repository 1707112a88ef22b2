"""An alert as a value: what batch and stream raise, the topic carries and the lake keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import pyarrow as pa

from lake.store.tables.alerts import ALERTS

Status = Literal["provisional", "confirmed", "invalidated"]
Origin = Literal["batch", "stream"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule's news about one bar.

    `ts` is the bar's start and `closes_at` the moment from which the alert is known; `price` is the
    bar's close as traded; `values` is what the rule saw, on the split basis of the bar. `level_id`
    names the level of an alert at one. `fired_at` is the machine's time, and no part of the identity.
    """

    alert_id: str
    rule: str
    rule_version: str
    variant: str
    symbol: str
    timeframe: str
    ts: datetime
    closes_at: datetime
    side: str
    price: float
    severity: str
    status: Status
    level_id: str | None
    values: Mapping[str, float]
    reason: str
    origin: Origin
    fired_at: datetime

    def on_forming(self, bar: Mapping[str, float]) -> Alert:
        """Return the alert as one of a bar that is still forming, with that bar among what the rule saw.

        No later look at the lake would find the bar as it stood.
        """
        return replace(self, status="provisional", values={**bar, **self.values})

    def invalidated(self, origin: Origin, now: datetime) -> Alert:
        """Return the version that says: after a correction the rule does not fire on this bar."""
        return replace(self, status="invalidated", origin=origin, fired_at=now)


_NAMES = tuple(each.name for each in fields(Alert))
_TIMES = ("ts", "closes_at", "fired_at")
_ROW_SCHEMA = pa.schema([field for field in ALERTS.schema if field.name not in ("known_at", "superseded_at")])


def encode(alert: Alert) -> bytes:
    """Return an alert as one record of topic `alerts`: a JSON object, times in UTC ending in Z."""
    record = {**_fields(alert), "values": dict(alert.values)}
    return orjson.dumps(record, option=orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS)


def decode(record: bytes) -> Alert:
    """Return the alert of a record of topic `alerts`.

    Raises:
        ValueError: it is not one.
    """
    found = orjson.loads(record)
    if not isinstance(found, dict) or (missing := set(_NAMES) - found.keys()):
        lacking = f"no {', '.join(sorted(missing))}" if isinstance(found, dict) else type(found).__name__
        raise ValueError(f"expected an alert with all its fields, found {lacking}")
    times = {name: datetime.fromisoformat(found[name]).astimezone(UTC) for name in _TIMES}
    return Alert(**{name: found[name] for name in _NAMES} | times)


def alert_of_row(row: Mapping[str, Any]) -> Alert:
    """Return the alert of a row of table alerts."""
    found = {name: row[name] for name in _NAMES}
    times = {name: found[name].astimezone(UTC) for name in _TIMES}
    return Alert(**found | times | {"values": orjson.loads(found["values"])})


def alert_rows(alerts: Sequence[Alert]) -> pa.Table:
    """Return alerts as rows of table alerts, known_at aside."""
    rows: list[dict[str, Any]] = [
        {**_fields(alert), "values": orjson.dumps(dict(alert.values), option=orjson.OPT_SORT_KEYS).decode()}
        for alert in alerts
    ]
    return pa.Table.from_pylist(rows, schema=_ROW_SCHEMA)


def _fields(alert: Alert) -> dict[str, Any]:
    # Not dataclasses.asdict, which copies every value and takes longer than all else.
    return {name: getattr(alert, name) for name in _NAMES}
