"""Receipts reach the lake once; alerts of the last session that were never enqueued are caught up with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake.alerts.alert import Alert, alert_rows
from lake.config import Settings
from lake.market.sessions import calendar
from lake.notify.notifier import Notifier
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.tables import TABLES
from tests.builders import bar_rows
from tests.notifications import NOON, Clock, alert, installation, lines

FILE = "file:\n  kind: file\n"


@pytest.fixture
def lake_settings(tmp_path: Path) -> Settings:
    return installation(tmp_path, FILE)


@pytest.fixture
def notifier(lake_settings: Settings) -> Iterator[Notifier]:
    notifier = Notifier(lake_settings, Clock())
    yield notifier
    notifier.close()


def asked(lake: Lake, query: str) -> list[Any]:
    with connect(lake) as con:
        return con.execute(query).fetchall()


def put_symbols(lake: Lake, **exchanges: str) -> None:
    schema = pa.schema([f for f in TABLES["symbols"].schema if f.name not in ("known_at", "superseded_at")])
    rows = [
        {"symbol": symbol, "name": f"{symbol} Inc.", "exchange": exchange, "zone": calendar(exchange).zone}
        for symbol, exchange in exchanges.items()
    ]
    lake.upsert("symbols", pa.Table.from_pylist(rows, schema=schema), NOON)


def put_bars(lake: Lake, symbol: str, *days: str) -> None:
    lake.upsert("bars", bar_rows(*({"symbol": symbol, "day": day, "close": 10.0} for day in days)), NOON)


def put_alerts(lake: Lake, *alerts: Alert) -> None:
    lake.upsert("alerts", alert_rows(alerts), NOON)


def daily(symbol: str, day: str, hour: int = 21, **changes: Any) -> Alert:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    times = {"ts": start, "closes_at": start + timedelta(hours=hour)}
    return alert(symbol=symbol, timeframe="1d", origin="batch", **times, **changes)


def test_every_event_is_in_the_lake_once_and_the_alert_is_delivered(
    lake_settings: Settings, notifier: Notifier
) -> None:
    lake = Lake.open(lake_settings)
    put_alerts(lake, alert(0), alert(1))
    notifier.enqueue([alert(0), alert(1)])
    notifier.deliver()
    notifier.acknowledge(alert(0).alert_id)
    assert notifier.record(lake) == 5 and notifier.record(lake) == 0
    query = "SELECT event, count(*) FROM notifications GROUP BY event ORDER BY event"
    assert asked(lake, query) == [("acknowledged", 1), ("intended", 2), ("sent", 2)]
    query = "SELECT delivered_at, acknowledged_at IS NOT NULL FROM alerts ORDER BY ts"
    assert asked(lake, query) == [(NOON, True), (NOON, False)]


def test_events_that_were_put_into_the_lake_by_a_process_that_died_are_no_new_version(
    lake_settings: Settings, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake.open(lake_settings)
    notifier.enqueue([alert()])

    def die(event_ids: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(notifier.outbox, "forget", die)
        with pytest.raises(KeyboardInterrupt):
            notifier.record(lake)
    version = lake.table("notifications").version()
    assert notifier.record(lake) == 1
    assert lake.table("notifications").version() == version


def test_only_the_last_session_is_caught_up_with(lake_settings: Settings, notifier: Notifier) -> None:
    lake = Lake.open(lake_settings)
    put_symbols(lake, AAPL="XNYS", MSFT="XNYS")
    put_bars(lake, "AAPL", "2026-11-18", "2026-11-19", "2026-11-20")
    put_bars(lake, "MSFT", "2026-11-18")
    put_alerts(
        lake,
        daily("AAPL", "2026-11-18"),
        daily("AAPL", "2026-11-19"),
        daily("AAPL", "2026-11-20"),
        daily("AAPL", "2026-11-20", variant="bearish", status="invalidated"),
        daily("MSFT", "2026-11-18"),
        alert(3),
    )
    assert notifier.catch_up(lake) == 2
    notifier.deliver()
    told = "\n".join(lines(lake_settings))
    assert told.count("\n") == 1 and "AAPL (AAPL Inc.)" in told and "closed 2026-11-20 16:00 EST" in told


def test_what_the_outbox_knows_is_not_caught_up_with_again(
    lake_settings: Settings, notifier: Notifier
) -> None:
    lake = Lake.open(lake_settings)
    put_symbols(lake, AAPL="XNYS")
    put_bars(lake, "AAPL", "2026-11-20")
    put_alerts(lake, daily("AAPL", "2026-11-20"))
    notifier.enqueue([daily("AAPL", "2026-11-20")])
    assert notifier.catch_up(lake) == 0
    put_alerts(lake, daily("AAPL", "2026-11-20", rule="ema_touch"))
    assert notifier.catch_up(lake) == 1
    other = Notifier(lake_settings, Clock())
    assert other.catch_up(lake) == 0
    other.close()


def test_each_exchange_has_its_own_last_session_unless_its_data_ended(
    lake_settings: Settings, notifier: Notifier
) -> None:
    lake = Lake.open(lake_settings)
    put_symbols(lake, AAPL="XNYS", T7203="XTKS", OLD="XTKS")
    put_bars(lake, "AAPL", "2026-11-19", "2026-11-20")
    put_bars(lake, "T7203", "2026-11-19", "2026-11-20")
    put_alerts(
        lake,
        daily("AAPL", "2026-11-20"),
        daily("T7203", "2026-11-20", hour=6),
        daily("T7203", "2026-11-19", hour=6),
    )
    assert notifier.catch_up(lake) == 2
    put_bars(lake, "AAPL", "2026-12-04")
    put_alerts(lake, daily("T7203", "2026-11-20", hour=6, rule="ema_touch"), daily("AAPL", "2026-12-04"))
    assert notifier.catch_up(lake) == 1


def test_an_empty_lake_has_nothing_to_catch_up_with(lake_settings: Settings, notifier: Notifier) -> None:
    assert notifier.catch_up(Lake.open(lake_settings)) == 0


def test_the_rules_own_cooldown_limits_delivery_and_not_the_record(tmp_path: Path) -> None:
    settings = installation(tmp_path, FILE)
    rules = settings.conf_folder / "rules.yaml"
    rules.write_text(
        "hammer:\n  description: a\n  timeframes: [1d]\n  fires: every_bar\n  severity: info\n"
        "  cooldown: 30m\n  bullish: hammer\n"
    )
    lake = Lake.open(settings)
    notifier = Notifier(settings, Clock())
    assert notifier.enqueue([alert(number) for number in range(12)]) == 2
    notifier.deliver()
    notifier.record(lake)
    notifier.close()
    query = "SELECT event, count(*) FROM notifications GROUP BY event ORDER BY event"
    assert asked(lake, query) == [("intended", 2), ("sent", 2), ("skipped", 10)]


def test_a_corrected_alert_that_was_not_sent_yet_is_not_sent(
    lake_settings: Settings, notifier: Notifier
) -> None:
    event = alert()
    now = NOON
    assert notifier.enqueue([event, event.invalidated("stream", now)]) == 1
    assert notifier.deliver() == 0
    assert notifier.enqueue([alert(1, status="provisional")]) == 0
    assert notifier.enqueue([event.invalidated("stream", now), event]) == 1
    assert notifier.deliver() == 1 and len(lines(lake_settings)) == 1
