"""Feeds of real minutes, a plain way to land what a live market took, and its alerts beside batch's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from lake.alerts.alert import Alert, alert_of_row
from lake.config import Settings
from lake.live.market import LiveMarket, Taken
from lake.live.restore import restored_market
from lake.market.candles import Candle, candles_of
from lake.market.sessions import calendar, currency_of
from lake.rules.language import Rule, read_rules
from lake.steps.alerts import find_alerts
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.tables import TABLES
from lake.thresholds import read_thresholds
from tests.market import real_minutes

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LIVE = ("5m", "15m", "30m")

SAME = ("rule", "variant", "symbol", "timeframe", "ts", "closes_at", "side", "level_id", "reason")
"""What batch and live say of an alert in the same words."""

Feed = list[tuple[str, Candle]]


def real_feed(file: Path, exchange: str) -> Feed:
    """Return the candles of a file that lie in a session, minute by minute, symbols in their order."""
    opens, closes = calendar(exchange).opens_at, calendar(exchange).closes_at
    rows = []
    for symbol, bars in real_minutes(file, exchange).items():
        number = np.searchsorted(opens, bars.ts, side="right") - 1
        inside = bars[(number >= 0) & (bars.ts < closes[number])]
        rows += [(candle.ts, symbol, candle) for candle in candles_of(inside, "files")]
    return [(symbol, candle) for _, symbol, candle in sorted(rows, key=lambda row: row[:2])]


def messages(feed: Feed, size: int) -> Iterable[Feed]:
    """Yield a feed in messages of so many candles."""
    return (feed[start : start + size] for start in range(0, len(feed), size))


def list_symbols(settings: Settings, exchanges: dict[str, str]) -> Lake:
    """Return a lake that knows symbols of some exchanges."""
    lake = Lake.open(settings)
    schema = pa.schema([f for f in TABLES["symbols"].schema if f.name not in ("known_at", "superseded_at")])
    rows: list[dict[str, Any]] = [
        {"symbol": symbol, "exchange": name, "currency": currency_of(name), "zone": calendar(name).zone}
        for symbol, name in exchanges.items()
    ]
    lake.upsert("symbols", pa.Table.from_pylist(rows, schema=schema), NOW)
    return lake


def market_of(lake: Lake, rules: dict[str, Rule] | None = None) -> LiveMarket:
    """Return the live market of a lake as it stands."""
    folder = lake.settings.conf_folder
    return restored_market(connect(lake), rules or read_rules(folder), read_thresholds(folder), NOW)


def land(lake: Lake, taken: Taken, exchanges: dict[str, str]) -> None:
    """Write the bars that a live market took into table candles."""
    schema = pa.schema([f for f in TABLES["candles"].schema if f.name not in ("known_at", "superseded_at")])
    rows = [
        _row(symbol, candle, ends, calendar(exchanges[symbol]), taken) for symbol, candle, ends in taken.bars
    ]
    if rows:
        lake.upsert("candles", pa.Table.from_pylist(rows, schema=schema), lake.stamp("candles", NOW))


def _row(symbol: str, candle: Candle, ends: int, days: Any, taken: Taken) -> dict[str, Any]:
    start = datetime.fromtimestamp(candle.ts / 1e6, UTC)
    number = int(np.searchsorted(days.opens_at, np.datetime64(candle.ts, "us"), side="right")) - 1
    return {
        **dict(zip(("open", "high", "low", "close", "volume"), candle[2:7], strict=True)),
        "symbol": symbol,
        "timeframe": candle.timeframe,
        "ts": start,
        "closes_at": datetime.fromtimestamp(ends / 1e6, UTC),
        "session": days.sessions[number].astype(object),
        "is_complete": True,
        "quality": "suspect" if candle.is_suspect else "ok",
        "quality_reason": taken.suspicions.get((symbol, candle.timeframe, candle.ts)),
        "price_basis": "raw",
        "source": candle.source,
        "month": start.year * 100 + start.month,
    }


def confirmed(alerts: Sequence[Alert]) -> dict[str, Alert]:
    """Return the alerts that stand after all versions were said, by id."""
    last = {alert.alert_id: alert for alert in alerts}
    return {key: alert for key, alert in last.items() if alert.status == "confirmed"}


def batch_alerts(settings: Settings, timeframes: Sequence[str] = LIVE) -> dict[str, Alert]:
    """Return what batch says of the landed candles, by id."""
    rows = find_alerts(settings, timeframes=timeframes, now=NOW).to_pylist()
    assert all(isinstance(orjson.loads(row["values"]), dict) for row in rows)
    return {row["alert_id"]: alert_of_row(row) for row in rows}


def assert_same_alerts(live: dict[str, Alert], batch: dict[str, Alert]) -> None:
    """Assert that both say the same of the same bars, values to 1e-9 of scale."""
    assert sorted(live) == sorted(batch)
    for key, alert in live.items():
        other = batch[key]
        for name in (
            "rule",
            "variant",
            "symbol",
            "timeframe",
            "ts",
            "closes_at",
            "side",
            "level_id",
            "reason",
        ):
            assert getattr(alert, name) == getattr(other, name), (name, alert, other)
        assert alert.values.keys() == other.values.keys()
        for name, value in alert.values.items():
            limit = 1e-9 * max(abs(other.values[name]), _scale(name, alert))
            assert abs(value - other.values[name]) <= limit, (name, alert, other)


def _scale(name: str, alert: Alert) -> float:
    return 100.0 if name.startswith("rsi") else alert.price
