"""Keeping alerts in the lake: one upsert for batch and stream, which do not count rounding as news."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import orjson
import pyarrow as pa

from lake.alerts.alert import Alert, alert_rows
from lake.store.duck import open_duckdb
from lake.store.extent import extent_of
from lake.store.lake import Change, Lake
from lake.store.scan import scan
from lake.store.tables import TABLES

_SAME, _ROUNDING = 1e-6, 1e-9

_STORED = """
SELECT alert_id, status, side, price, values FROM ({scan}) AS t
WHERE superseded_at IS NULL AND alert_id IN (SELECT unnest(?))
"""


class Stored(NamedTuple):
    """What the lake says of an alert now."""

    status: str
    side: str
    price: float
    values: Mapping[str, float]


def keep(lake: Lake, alerts: Sequence[Alert], now: datetime) -> Change:
    """Merge alerts into table alerts, versions of one alert in their order, and return what changed.

    Where the lake already says the same, to 1e-6, its values are taken: batch and stream differ in
    the last digits, and neither shall make a new version of the other's alerts.

    Raises:
        CommitConflict: other writers won every retry.
    """
    with lake.writing("alerts"):
        if not alerts:
            return Change(0, 0, lake.table("alerts").version())
        stored = _stored(lake, alerts, alert_rows(alerts))
        kept = [_adopted(alert, stored.get(alert.alert_id)) for alert in alerts]
        return lake.upsert("alerts", alert_rows(kept), lake.stamp("alerts", now))


def _stored(lake: Lake, alerts: Sequence[Alert], rows: pa.Table) -> dict[str, Stored]:
    con, spec = open_duckdb(), TABLES["alerts"]
    query = scan(con, spec, lake.table("alerts"), extent_of(spec, rows))
    ids = sorted({alert.alert_id for alert in alerts})
    rows = con.execute(_STORED.format(scan=query), [ids]).fetchall()
    return {key: Stored(status, side, price, orjson.loads(text)) for key, status, side, price, text in rows}


def _adopted(alert: Alert, stored: Stored | None) -> Alert:
    if stored is None or not says_the_same(alert, stored):
        return alert
    return replace(alert, values=stored.values)


def says_the_same(alert: Alert, other: Alert | Stored) -> bool:
    """Return whether two versions of an alert differ by no more than rounding."""
    if (alert.status, alert.side) != (other.status, other.side) or alert.values.keys() != other.values.keys():
        return False
    # Of a small difference of prices, such as MACD, rounding leaves what the prices had.
    unit = _ROUNDING * max(1.0, abs(alert.price))
    pairs = [(value, other.values[name]) for name, value in alert.values.items()]
    pairs.append((alert.price, other.price))
    return all(abs(a - b) <= max(_SAME * max(abs(a), abs(b)), unit) for a, b in pairs)
