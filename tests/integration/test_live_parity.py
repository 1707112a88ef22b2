"""Live and batch on real minutes: the same alerts, whatever the messages and wherever the worker restarts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lake.alerts.alert import Alert
from lake.alerts.keep import keep
from lake.config import Settings
from lake.market.bars import VALUES
from lake.steps.alerts import raise_alerts
from lake.steps.levels import find_levels
from lake.steps.verify import verify
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.live import (
    LIVE,
    NOW,
    assert_same_alerts,
    batch_alerts,
    confirmed,
    land,
    list_symbols,
    market_of,
    messages,
    real_feed,
)

FILES = {
    "eqker_2019-02": "XNYS",
    "google_AAPL_2016-04_05": "XNYS",
    "nse_JUNIORBEES": "XNSE",
}


@pytest.mark.parametrize("name", FILES)
def test_live_alerts_are_those_of_batch_over_the_landed_candles(
    settings: Settings, shared_data: Path, name: str
) -> None:
    """One message a few minutes, and a restart from the lake at some of them."""
    feed = real_feed(shared_data / "intraday" / "1m" / f"{name}.parquet", FILES[name])
    exchanges = dict.fromkeys((symbol for symbol, _ in feed), FILES[name])
    lake = list_symbols(settings, exchanges)
    market, alerts = market_of(lake), list[Alert]()
    size = max(len(feed) // 40, 1)
    restarts = set(np.random.default_rng(5).choice(40, 6, replace=False).tolist())
    for number, message in enumerate(messages(feed, size)):
        if number in restarts:
            market = market_of(lake)
        taken = market.take(message, NOW)
        alerts += taken.alerts
        keep(lake, taken.alerts, NOW)
        land(lake, taken, exchanges)
    for symbol, timeframe, ts in market.due(feed[-1][1].ts + 24 * 3_600_000_000):
        taken = market.close(symbol, timeframe, ts, NOW)
        alerts += taken.alerts
        keep(lake, taken.alerts, NOW)
        land(lake, taken, exchanges)
    live, batch = confirmed(alerts), batch_alerts(settings)
    assert len(live) == len(alerts)  # none was taken back, none said twice
    assert {alert.timeframe for alert in live.values()} == set(LIVE)
    assert_same_alerts(live, batch)
    again = raise_alerts(settings, timeframes=list(LIVE), now=NOW)
    assert (again["alerts"], again["written"], again["invalidated"]) == (len(live), 0, 0)
    find_levels(settings, timeframes=list(LIVE))
    assert [audit.name for audit in verify(settings) if not audit.is_clean] == []
    assert_the_audit_notices_a_missing_level(settings)


def assert_the_audit_notices_a_missing_level(settings: Settings) -> None:
    con = connect(Lake.open(settings))
    audit = (settings.sql_folder / "audits" / "alerts_have_their_levels.sql").read_text()
    for view in ("levels", "level_events"):
        con.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM lake.{view} WHERE method <> 'fractal'")
        assert len(con.execute(audit).fetchall()) > 10
        con.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM lake.{view}")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("timeframe", ["5m", "15m"])
def test_live_bars_equal_the_independent_ones(
    settings: Settings, shared_data: Path, name: str, timeframe: str
) -> None:
    feed = real_feed(shared_data / "intraday" / "1m" / f"{name}.parquet", FILES[name])
    exchanges = dict.fromkeys((symbol for symbol, _ in feed), FILES[name])
    market = market_of(list_symbols(settings, exchanges))
    made = {
        (symbol, bar.ts): bar[2:7]
        for message in messages(feed, 1_000)
        for symbol, bar, _ in market.take(message, NOW).bars
        if bar.timeframe == timeframe
    }
    rows = pq.read_table(shared_data / "intraday" / timeframe / f"{name}.parquet").to_pylist()
    found = {
        (row["symbol"], round(row["ts"].timestamp() * 1e6)): tuple(row[value] for value in VALUES)
        for row in rows
    }
    assert len(made) > 0.9 * len(rows) - 60
    assert [key for key in made if made[key] != pytest.approx(found[key], rel=1e-12)] == []
