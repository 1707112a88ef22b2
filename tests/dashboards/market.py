"""A small market for the dashboards: real days of two stocks, a simulated session, alerts of both."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from lake.alerts.alert import Alert, alert_rows
from lake.config import Settings, load_settings
from lake.rules.identity import alert_id
from lake.steps.derive import derive_longer_bars
from lake.steps.enrich import enrich_features
from lake.steps.ingest import default_request, ingest
from lake.steps.levels import find_levels
from lake.steps.sandbox import run_sandbox
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc

DAYS, MINUTES = ["AAPL", "IBM"], ["SIM01", "SIM02"]

_BARS = """
SELECT symbol, timeframe, ts, closes_at, close FROM bars
WHERE timeframe = ? AND symbol = ? ORDER BY ts DESC LIMIT ?
"""


def build_market(root: Path) -> Settings:
    """Fill a lake with everything that the two dashboards show."""
    settings = load_settings(lake_root=str(root))
    ingest(settings, default_request(settings, source="sample", symbols=DAYS))
    ingest(settings, default_request(settings, source="simulated", symbols=MINUTES, timeframe="1m"))
    derive_longer_bars(settings, timeframes=["1wk", "5m", "15m", "30m"])
    enrich_features(settings, DAYS, ["1d", "1wk"])
    run_sandbox(settings, "dual_channel", DAYS)
    find_levels(settings, MINUTES, ["5m", "15m"])
    alerts = [
        *newest_alerts(settings, "SIM01", "5m", "ma_rsi", "bullish", 5),
        *newest_alerts(settings, "SIM02", "15m", "bearish_engulfing", "bearish", 3),
        *newest_alerts(settings, "AAPL", "1d", "ema_touch", "bullish", 8),
    ]
    write_alerts(settings, alerts)
    return settings


def newest_alerts(
    settings: Settings, symbol: str, timeframe: str, rule: str, side: str, count: int
) -> list[Alert]:
    """Return an alert of each of a series' newest bars, newest first."""
    con = connect(Lake.open(settings))
    rows = con.execute(_BARS, [timeframe, symbol, count]).fetchall()
    return [_alert(rule, side, *row) for row in rows]


def _alert(
    rule: str, side: str, symbol: str, timeframe: str, ts: datetime, closes_at: datetime, close: float
) -> Alert:
    return Alert(
        alert_id=alert_id(rule, "0" * 12, side, symbol, timeframe, ts),
        rule=rule,
        rule_version="0" * 12,
        variant=side,
        symbol=symbol,
        timeframe=timeframe,
        ts=ts,
        closes_at=closes_at,
        side=side,
        price=close,
        severity="info",
        status="confirmed",
        level_id=None,
        values={"close": close},
        reason=f"{rule} held",
        origin="stream",
        fired_at=now_utc(),
    )


def write_alerts(settings: Settings, alerts: list[Alert]) -> None:
    """Upsert alerts into the lake."""
    lake = Lake.open(settings)
    lake.upsert("alerts", alert_rows(alerts), lake.stamp("alerts", now_utc()))
