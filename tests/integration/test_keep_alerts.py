"""Alerts in the lake: rounding is no news, versions follow each other, the first origin stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lake.alerts.alert import Alert
from lake.alerts.keep import keep
from lake.config import Settings
from lake.store.catalog import connect
from lake.store.lake import Lake

START = datetime(2024, 1, 3, 15, 0, tzinfo=UTC)
NOW = datetime(2024, 1, 4, tzinfo=UTC)
ALERT = Alert(
    alert_id="a1",
    rule="macd_cross",
    rule_version="v1",
    variant="bullish",
    symbol="AAPL",
    timeframe="5m",
    ts=START,
    closes_at=START + timedelta(minutes=5),
    side="bullish",
    price=187.5,
    severity="info",
    status="confirmed",
    level_id=None,
    values={"macd": 1.0e-7, "close": 187.5},
    reason="r",
    origin="stream",
    fired_at=NOW,
)


def shown(lake: Lake) -> list[dict[str, Any]]:
    rows = connect(lake).execute("SELECT * FROM alerts ORDER BY alert_id").to_arrow_table().to_pylist()
    return [{name: row[name] for name in ("status", "revision", "origin", "price", "values")} for row in rows]


@pytest.fixture
def lake(settings: Settings) -> Lake:
    """Return a lake that has the alert."""
    found = Lake.open(settings)
    assert keep(found, [ALERT], NOW).inserted == 1
    return found


def test_what_only_rounding_tells_apart_is_no_news(lake: Lake) -> None:
    """Of MACD, a difference of prices, rounding leaves what the prices had."""
    before = shown(lake)
    again = replace(ALERT, values={"macd": 1.5e-7, "close": 187.5 + 1e-11}, origin="batch", fired_at=START)
    change = keep(lake, [again], NOW + timedelta(days=1))
    assert change.is_empty and shown(lake) == before
    assert keep(lake, [], NOW).version == change.version


@pytest.mark.parametrize(
    "change",
    [
        {"values": {"macd": 1.0e-5, "close": 187.5}},
        {"values": {"close": 187.5}},
        {"price": 187.6},
        {"side": "bearish"},
    ],
)
def test_another_value_is_the_next_revision_of_the_same_alert(lake: Lake, change: dict[str, Any]) -> None:
    keep(lake, [replace(ALERT, origin="batch", **change)], NOW + timedelta(days=1))
    [row] = shown(lake)
    assert (row["revision"], row["origin"]) == (2, "stream")


def test_versions_of_one_alert_in_one_call_follow_each_other(lake: Lake) -> None:
    gone = ALERT.invalidated("stream", NOW)
    keep(lake, [gone, replace(ALERT, price=190.0)], NOW + timedelta(days=1))
    [row] = shown(lake)
    assert (row["status"], row["revision"], row["price"]) == ("confirmed", 3, 190.0)
    keep(lake, [replace(gone, price=190.0)], NOW + timedelta(days=2))
    [row] = shown(lake)
    assert (row["status"], row["revision"]) == ("invalidated", 4)
