"""Candles of source yahoo: asked for in pieces, closed ones only, and no further back than it keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from lake.errors import BadInput
from tests.charts import ChartServer, add_minutes, made_book, opening
from tests.yahoo import DAYS, ask, fetched, load, sessions, settings_of, two_stocks


@pytest.fixture
def server() -> Iterator[ChartServer]:
    with two_stocks() as running:
        yield running


def test_minutes_are_asked_for_a_week_at_a_time_and_the_open_one_is_left_out(
    server: ChartServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    book = server.books["AAA"] = made_book("AAA", DAYS, split=(date(2024, 6, 27), 2.0))
    add_minutes(book, "1m", 1, sessions("2024-06-10", "2024-06-28"))
    now = datetime(2024, 6, 28, 15, 30, 20, tzinfo=UTC)
    found = fetched(settings, now, timeframe="1m", start=date(2024, 6, 10))
    ts = found.bars["ts"].to_pylist()
    assert ts[0] == datetime(2024, 6, 10, 13, 30, tzinfo=UTC)
    assert ts[-1] == datetime(2024, 6, 28, 15, 14, tzinfo=UTC)  # closed at 15:15, 15 minutes ago
    assert len(ts) == 13 * 390 + 105
    spans = [
        (float(params["period2"]) - float(params["period1"])) / 86_400
        for _, params in server.asked
        if params["interval"] == "1m" and "period1" in params
    ]
    assert len(spans) == 3 and max(spans) <= 8
    closes = found.bars["close"].to_pylist()
    assert closes[0] == pytest.approx(2 * 50.01)  # as traded before the split
    assert closes[-1] == pytest.approx(50.01 + 1.04)
    assert found.actions.to_pylist()[0]["value"] == 2.0


@pytest.mark.parametrize("timeframe, minutes, count", [("5m", 5, 78), ("15m", 15, 26), ("30m", 15, 13)])
def test_longer_candles_come_in_one_request(
    server: ChartServer, tmp_path: Path, timeframe: str, minutes: int, count: int
) -> None:
    settings = settings_of(server, tmp_path)
    add_minutes(server.books["AAA"], f"{minutes}m", minutes, sessions("2024-06-03", "2024-06-28"))
    now = datetime(2024, 6, 29, tzinfo=UTC)
    found = fetched(settings, now, timeframe=timeframe)
    assert len(found.bars) == 19 * count
    asked = [params for _, params in server.asked if params["interval"] == f"{minutes}m"]
    assert len([params for params in asked if "period1" in params]) == 1


def test_more_than_yahoo_keeps_is_refused_in_one_sentence(server: ChartServer, tmp_path: Path) -> None:
    settings = settings_of(server, tmp_path)
    for timeframe, days in (("1m", 30), ("5m", 60), ("15m", 60), ("30m", 60)):
        with pytest.raises(
            BadInput, match=rf"Yahoo keeps {timeframe} bars for {days} days, found --from 2020"
        ):
            load(settings, timeframe=timeframe, start=date(2020, 1, 2))
    assert server.asked == []


def test_a_reset_of_candles_keeps_those_from_before_what_yahoo_keeps(
    server: ChartServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    today = datetime.now(UTC).date()
    recent = sessions(str(today - timedelta(days=40)), str(today - timedelta(days=2)))
    book = server.books["AAA"] = made_book("AAA", recent)
    add_minutes(book, "30m", 15, recent)
    book.rows["15m"] = book.rows.pop("30m")
    first = load(settings, timeframe="30m")["candles"]["inserted"]
    assert first == ask(settings, "SELECT count(*) FROM candles")[0][0] > 200
    for day in recent[:5]:  # too old by now
        for ts in [ts for ts in book.rows["15m"] if ts < opening(day) + 30_000]:
            del book.rows["15m"][ts]
    assert load(settings, timeframe="30m", mode="reset")["candles"]["closed"] == 0
