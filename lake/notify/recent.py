"""The alerts of the last session that the data has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import orjson

from lake.alerts.alert import Alert
from lake.market.sessions import calendar
from lake.store.catalog import connect
from lake.store.lake import Lake

STALE = timedelta(days=7)
"""An exchange whose last session is this much older than the newest of all has none today."""

_LAST_SESSIONS = """
SELECT exchange, max(session) FROM bars JOIN symbols USING (symbol)
WHERE is_complete GROUP BY exchange ORDER BY exchange
"""
_ALERTS = """
SELECT alert_id, rule, rule_version, variant, symbol, timeframe, ts, closes_at, side, price, severity,
       status, level_id, values, reason, origin, fired_at
FROM alerts JOIN symbols USING (symbol)
WHERE status = 'confirmed' AND exchange = ? AND closes_at > ?
ORDER BY closes_at, alert_id
"""


def recent_alerts(lake: Lake) -> list[Alert]:
    """Return the confirmed alerts of bars that closed within the last session, exchange by exchange."""
    with connect(lake) as con:
        found = []
        for exchange, opened in _openings(con).items():
            rows = con.execute(_ALERTS, [exchange, opened]).to_arrow_table().to_pylist()
            found += [_alert(row) for row in rows]
    return found


def _openings(con: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """Return when the last session of each exchange opened."""
    last: dict[str, date] = dict(con.execute(_LAST_SESSIONS).fetchall())
    newest = max(last.values(), default=date.min)
    return {
        exchange: _opening(exchange, session)
        for exchange, session in last.items()
        if newest - session < STALE
    }


def _opening(exchange: str, session: date) -> datetime:
    days = calendar(exchange)
    at = int(np.searchsorted(days.sessions, np.datetime64(session)))
    opened: datetime = days.opens_at[at].astype("datetime64[us]").item()
    return opened.replace(tzinfo=UTC)


def _alert(row: dict[str, Any]) -> Alert:
    times = {name: row[name].astimezone(UTC) for name in ("ts", "closes_at", "fired_at")}
    return Alert(**{**row, **times, "values": orjson.loads(row["values"])})
