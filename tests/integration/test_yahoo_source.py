"""Source yahoo by the real yfinance, against a local server that speaks Yahoo's protocol."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lake.config import Settings, load_settings
from lake.errors import BadInput, SourceBusy, SourceUnavailable
from lake.market.sessions import calendar
from lake.sources.base import Fetched, IngestRequest
from lake.sources.yahoo import YahooSource
from lake.steps.ingest import ingest
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests import charts
from tests.charts import Book, ChartServer, add_minutes, chart_server, made_book, opening, recorded_books
from tests.lakes import content, run_lake, table_versions
from tests.stacks import CHECKOUT

SECONDS = 0.5
"""For which the source waits for an answer: much longer than the local server needs."""


def sessions(first: str, last: str) -> list[date]:
    days = calendar("XNYS").sessions
    inside = days[(days >= np.datetime64(first)) & (days <= np.datetime64(last))]
    return [day.item() for day in inside]


DAYS = sessions("2024-01-02", "2024-06-28")
"""124 sessions."""


@pytest.fixture
def server() -> Iterator[ChartServer]:
    with chart_server({"AAA": made_book("AAA", DAYS), "BBB": made_book("BBB", DAYS)}) as running:
        yield running


def settings_of(server: ChartServer, folder: Path, name: str = "lake") -> Settings:
    return load_settings(lake_root=str(folder / name), yahoo_url=server.url)


def load(settings: Settings, *symbols: str, now: datetime | None = None, **changes: Any) -> dict[str, Any]:
    clock = {"clock": lambda: now} if now else {}
    source = YahooSource(settings, seconds=SECONDS, **clock)
    return ingest(settings, IngestRequest("yahoo", symbols or ("AAA",), **changes), source)


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    return connect(Lake.open(settings)).execute(query).fetchall()


def fetched(settings: Settings, now: datetime, symbol: str = "AAA", **request: Any) -> Fetched:
    source = YahooSource(settings, clock=lambda: now, seconds=SECONDS)
    (found,) = source.fetch(IngestRequest("yahoo", (symbol,), **request), [symbol])
    return found


# As recorded


def test_recorded_prices_from_before_a_split_come_in_as_traded(shared_data: Path, tmp_path: Path) -> None:
    with chart_server(recorded_books(shared_data / "yahoo")) as server:
        settings = settings_of(server, tmp_path)
        load(settings, "AAPL", start=date(2020, 1, 1), end=date(2020, 1, 3))
        found = ask(settings, "SELECT session, open, high, low, close, volume, price_basis FROM bars")
        assert [row[0] for row in found] == [date(2020, 1, 2)]
        # 296.24, 300.60, 295.19, 300.35 on the tape; Yahoo has 74.06 to 75.0875 and 4 times the shares.
        assert found[0][1:6] == pytest.approx((296.24, 300.60, 295.19, 300.35, 33_870_100), rel=1e-6)
        assert found[0][6] == "raw"
        assert ask(settings, "SELECT * FROM actions") == []  # none within the range
        spans = [params for _, params in server.asked if "period1" in params]
        assert len(spans) == 2 and spans[0]["period2"] < spans[1]["period2"]  # the splits apart


def test_every_recorded_answer_of_new_york_loads_and_loads_again_without_news(
    shared_data: Path, tmp_path: Path
) -> None:
    books = recorded_books(shared_data / "yahoo")
    names = sorted(
        name for name, book in books.items() if book.meta["exchangeTimezoneName"] == "America/New_York"
    )
    assert {"AAPL", "MSFT", "ABBV", "GOOG"} <= set(names)
    with chart_server(books) as server:
        settings = settings_of(server, tmp_path)
        counts = load(settings, *names)
        recorded = sum(len(books[name].rows["1d"]) for name in names)
        assert counts["bars"]["inserted"] + counts["quarantine"]["inserted"] == recorded
        assert counts["quarantine"]["inserted"] == 0
        found = ask(settings, "SELECT symbol, ex_date, value FROM actions WHERE kind = 'split'")
        assert found == [("AAPL", date(2020, 8, 31), 4.0)]
        before = table_versions(settings)
        load(settings, *names)
        assert table_versions(settings) == before


def test_total_prices_of_what_was_recorded_follow_yahoos_own_adjusted_close(
    shared_data: Path, tmp_path: Path
) -> None:
    books = recorded_books(shared_data / "yahoo")
    with chart_server(books) as server:
        settings = settings_of(server, tmp_path)
        load(settings, "MSFT")
    own = [row["adjclose"] for _, row in sorted(books["MSFT"].rows["1d"].items())]
    ours = ask(settings, "SELECT close FROM bars_adjusted WHERE basis = 'total' ORDER BY ts")
    ratios = np.array([close for (close,) in ours]) / np.array(own, dtype=float)
    assert len(ratios) == 252
    # Yahoo takes the dividends after the range out as well: one factor for all. It keeps 32 bits.
    assert np.abs(ratios / ratios[0] - 1).max() < 1e-6


def test_a_symbol_of_another_exchange_is_refused_until_its_exchange_is_named(
    shared_data: Path, tmp_path: Path
) -> None:
    with chart_server(recorded_books(shared_data / "yahoo")) as server:
        settings = settings_of(server, tmp_path)
        with pytest.raises(SourceUnavailable, match="found Australia/Sydney and AUD; name its exchange"):
            load(settings, "ALL.AX")
        assert ask(settings, "SELECT * FROM symbols") == []
        load(settings, "ALL.AX", exchange="XASX")
        assert ask(settings, "SELECT exchange, currency FROM symbols") == [("XASX", "AUD")]
        load(settings, "ALL.AX")  # the lake knows by now


# Splits


def test_a_split_that_comes_later_revises_nothing_and_a_back_fill_gives_the_same(
    server: ChartServer, tmp_path: Path
) -> None:
    early, late, dividend = DAYS[:100], DAYS, (DAYS[50], 0.6)
    grown, filled = settings_of(server, tmp_path, "grown"), settings_of(server, tmp_path, "filled")
    # As traded the stock is the same up to the split; what Yahoo says of it is not.
    whole = made_book("AAA", late, split=(DAYS[110], 4.0), dividend=dividend)
    server.books["AAA"] = unsplit(whole, early)
    load(grown)
    server.books["AAA"] = whole
    counts = load(grown, now=None)
    assert counts["bars"] == {"staged": 24 + 31, "inserted": 24, "closed": 0}
    assert counts["actions"]["closed"] == 0
    load(filled)
    assert content(grown) == content(filled)
    closes = dict(ask(filled, "SELECT session, close FROM bars"))
    assert closes[DAYS[109]] == pytest.approx(210.0 - 0.0)
    assert closes[DAYS[110]] == pytest.approx(210.0 / 4 + 1.0)
    assert ask(filled, "SELECT value FROM actions WHERE kind = 'dividend'") == [(0.6,)]


def unsplit(book: Book, days: list[date]) -> Book:
    """Return what Yahoo said on the last of `days`, when it knew of no split."""
    ((_, (ratio, _)),) = book.splits.items()
    rows = {
        ts: {
            name: value / ratio if name == "volume" else value * ratio for name, value in row.items() if value
        }
        for ts, row in book.rows["1d"].items()
        if ts <= opening(days[-1])
    }
    return Book(book.meta, {"1d": rows}, {ts: value * ratio for ts, value in book.dividends.items()})


# Misbehaviour: what was there stays, and nothing else is written

QUOTE = ("indicators", "quote", 0)
USELESS = {
    "empty": (charts.empty, "found none|found an empty answer"),
    "wrong symbol": (charts.about_another, "found one about OTHER"),
    "no volume": (charts.without(*QUOTE, "volume"), "another number of volume"),
    "no close": (charts.without(*QUOTE, "close"), "another number of close"),
    "no prices": (charts.without("indicators"), "another number of open, high, low, close, volume"),
    "no timestamps": (charts.without("timestamp"), "found prices without"),
    "no currency": (charts.without("meta", "currency"), "found none of currency"),
    "no zone": (charts.without("meta", "exchangeTimezoneName"), "found none of exchangeTimezoneName"),
    "nothing": (lambda handler, body: handler.say_json({}), "found no chart in it"),
    "no result": (
        lambda handler, body: handler.say_json({"chart": {"result": [], "error": None}}),
        "found an empty one",
    ),
    "other bars": (
        lambda handler, body: handler.say_json(server_says(body, dataGranularity="1h")),
        "found 1h",
    ),
}
BUSY = {
    "429 with a pause": (charts.too_many("77"), 77.0),
    "429": (charts.too_many(None), 30.0),
    "500": (charts.broken, 30.0),
    "HTML": (charts.html, 30.0),
    "hangs": (charts.hang, 30.0),
}


def server_says(body: charts.Body, **meta: str) -> charts.Body:
    body["chart"]["result"][0]["meta"].update(meta)
    return body


@pytest.mark.parametrize("mode", ["catch-up", "reset"])
def test_an_answer_that_cannot_be_used_is_no_success_and_changes_nothing(
    server: ChartServer, tmp_path: Path, mode: str
) -> None:
    settings = settings_of(server, tmp_path)
    load(settings)
    before, rows = table_versions(settings), content(settings)
    for mood, said in USELESS.values():
        server.mood = mood
        with pytest.raises(SourceUnavailable, match=f"({said}).*; nothing was written for AAA"):
            load(settings, mode=mode)
        assert table_versions(settings) == before, said
    server.mood = charts.honest
    load(settings, mode=mode)
    assert content(settings) == rows


@pytest.mark.parametrize("kind", BUSY)
def test_a_host_that_does_not_answer_is_left_alone_and_changes_nothing(
    server: ChartServer, tmp_path: Path, kind: str
) -> None:
    settings = settings_of(server, tmp_path)
    load(settings)
    before = table_versions(settings)
    server.mood, wait = BUSY[kind]
    server.asked.clear()
    with pytest.raises(SourceBusy, match=f"about AAA.* found .*; ask again in {wait:.0f} s") as caught:
        load(settings)
    assert caught.value.wait == wait
    assert len(server.asked) == 1
    server.mood = charts.honest
    with pytest.raises(SourceBusy, match="refused 1 in a row"):
        load(settings)
    assert len(server.asked) == 1  # it has not been asked again
    assert table_versions(settings) == before


def test_the_command_line_waits_as_long_as_the_host_asks_and_then_goes_on(
    server: ChartServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    slept: list[float] = []
    moment = [datetime(2024, 7, 10, tzinfo=UTC)]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        moment[0] += timedelta(seconds=seconds)

    server.next = [charts.too_many("40"), charts.broken, charts.hang]
    source = YahooSource(settings, True, lambda: moment[0], sleep, lambda: 0.0, SECONDS)
    counts = ingest(settings, IngestRequest("yahoo", ("AAA",)), source)
    assert counts["bars"]["inserted"] == len(DAYS)
    assert slept == [40.0, 30.0, 60.0]


def test_after_five_refusals_the_circuit_is_open_for_every_process(
    server: ChartServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    server.mood = charts.broken
    moment = [datetime(2024, 7, 10, tzinfo=UTC)]

    def sleep(seconds: float) -> None:
        moment[0] += timedelta(seconds=seconds)

    source = YahooSource(settings, True, lambda: moment[0], sleep, lambda: 1.0, SECONDS)
    with pytest.raises(SourceBusy, match="ask again in 8 min"):
        ingest(settings, IngestRequest("yahoo", ("AAA",)), source)
    assert len(server.asked) == 5
    other = YahooSource(settings, True, lambda: moment[0], sleep, lambda: 1.0, SECONDS)
    with pytest.raises(SourceBusy, match="refused 5 in a row"):
        ingest(settings, IngestRequest("yahoo", ("BBB",)), other)
    assert len(server.asked) == 5


def test_one_symbol_without_an_answer_stops_no_other_and_is_named(
    server: ChartServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    with pytest.raises(
        SourceUnavailable, match="expected a symbol that Yahoo has, found GONE .*may be delisted"
    ):
        load(settings, "AAA", "BBB", "GONE")
    assert ask(settings, "SELECT symbol, count(*) FROM bars GROUP BY ALL ORDER BY ALL") == [
        ("AAA", len(DAYS)),
        ("BBB", len(DAYS)),
    ]
    assert ask(settings, "SELECT symbol FROM symbols ORDER BY symbol") == [("AAA",), ("BBB",)]
    with pytest.raises(SourceUnavailable, match="about 2: GONE, LOST; .* all others are stored"):
        load(settings, "AAA", "LOST", "GONE")


def test_the_command_says_in_one_sentence_what_it_did_not_get(
    server: ChartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YAHOO_URL", server.url)
    done = run_lake(tmp_path / "lake", "ingest", "--source", "yahoo", "--symbols", "AAA,GONE")
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0 and "found GONE (No data found" in done.stderr
    done = run_lake(tmp_path / "lake", "ingest", "--source", "yahoo", "--symbols", "AAA")
    assert (done.returncode, done.stderr) == (0, "")


def test_each_process_has_a_cache_of_its_own_and_those_of_dead_ones_go(
    server: ChartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YAHOO_URL", server.url)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    caches = tmp_path / "lake" / "_yfinance"
    for _ in range(2):
        run_lake(tmp_path / "lake", "ingest", "--source", "yahoo", "--symbols", "AAA").check_returncode()
        assert len(list(caches.iterdir())) == 1
    assert not (tmp_path / "home").exists()  # where yfinance would have put it


def test_no_connection_is_told_at_once(tmp_path: Path) -> None:
    with chart_server({}) as server:
        settings = settings_of(server, tmp_path)
    with pytest.raises(
        SourceUnavailable, match="found no connection .*check the network, or YAHOO_URL"
    ) as caught:
        load(settings)
    assert not isinstance(caught.value, SourceBusy)


def test_the_noise_of_floats_is_no_news(server: ChartServer, tmp_path: Path) -> None:
    settings = settings_of(server, tmp_path)
    load(settings)
    before = table_versions(settings)
    server.mood = charts.noise
    load(settings)
    assert table_versions(settings) == before
    server.mood = charts.noise
    noisy = settings_of(server, tmp_path, "noisy")
    load(noisy)
    assert ask(noisy, "SELECT count(*) FROM bars WHERE close <> round(close, 8)") == [(0,)]
    assert ask(noisy, "SELECT count(*) FROM bars WHERE quality_reason IS NOT NULL") == [(0,)]


def test_a_row_without_a_price_is_set_aside_and_not_filled_in(server: ChartServer, tmp_path: Path) -> None:
    settings = settings_of(server, tmp_path)
    server.books["AAA"].rows["1d"][opening(DAYS[5])]["close"] = None
    counts = load(settings)
    assert counts["bars"]["inserted"] == len(DAYS) - 1
    assert ask(settings, "SELECT reason, ts::DATE FROM quarantine") == [("blank", DAYS[5])]


# Catching up


def test_catch_up_asks_from_30_sessions_before_the_last_and_notices_what_was_restated(
    server: ChartServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    load(settings)
    rows = server.books["AAA"].rows["1d"]
    for day in (DAYS[-31], DAYS[-32]):  # 30 and 31 sessions before the last
        rows[opening(day)]["volume"] = 2_000_000.0
    counts = load(settings)
    assert counts["bars"] == {"staged": 31, "inserted": 1, "closed": 1}
    restated = ask(settings, "SELECT session FROM bars WHERE volume = 2000000")
    assert restated == [(DAYS[-31],)]
    assert load(settings, mode="reset")["bars"] == {"staged": 124, "inserted": 1, "closed": 1}
    assert load(settings, "AAA", "BBB")["bars"]["staged"] == 31 + 124  # each from where it stands


def test_how_far_back_catch_up_asks_is_set_in_the_universe_file(server: ChartServer, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(CHECKOUT / "conf", home / "conf")
    (home / "sql").symlink_to(CHECKOUT / "sql")
    universe = home / "conf" / "universe.yaml"
    universe.write_text(universe.read_text().replace("trailing_sessions: 30", "trailing_sessions: 5"))
    settings = load_settings(lake_home=home, lake_root=str(tmp_path / "lake"), yahoo_url=server.url)
    load(settings)
    assert load(settings)["bars"]["staged"] == 6


def test_a_reset_closes_what_vanished_and_a_catch_up_does_not(server: ChartServer, tmp_path: Path) -> None:
    settings = settings_of(server, tmp_path)
    load(settings)
    del server.books["AAA"].rows["1d"][opening(DAYS[-2])]
    assert load(settings)["bars"]["closed"] == 0
    assert load(settings, mode="reset")["bars"] == {"staged": 123, "inserted": 0, "closed": 1}


@pytest.mark.parametrize("minutes, expected", [(14, DAYS[-2]), (15, DAYS[-1])])
def test_a_session_that_has_not_closed_for_a_quarter_of_an_hour_is_not_delivered(
    server: ChartServer, tmp_path: Path, minutes: int, expected: date
) -> None:
    settings = settings_of(server, tmp_path)
    now = datetime(2024, 6, 28, 20, minutes, tzinfo=UTC)
    days = fetched(settings, now).bars["ts"].to_pylist()
    assert days[-1].date() == expected


def test_a_range_without_a_closed_session_and_a_request_without_symbols_are_refused(
    server: ChartServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    with pytest.raises(BadInput, match="expected a range with a session of XNYS that has closed"):
        load(settings, start=date(2024, 6, 29), end=date(2024, 6, 30))
    for wrong, said in (
        ({"symbols": ()}, "expected symbols for source yahoo"),
        ({"symbols": ("AAA",), "price_basis": "split"}, "expected --price-basis raw"),
    ):
        with pytest.raises(BadInput, match=said):
            ingest(settings, IngestRequest("yahoo", **wrong))
    assert server.asked == []


# Minutes


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


def test_a_class_of_shares_in_new_york_has_a_dash_at_yahoo(server: ChartServer, tmp_path: Path) -> None:
    server.books["BRK-B"], server.books["^GSPC"] = made_book("BRK-B", DAYS), made_book("^GSPC", DAYS)
    settings = settings_of(server, tmp_path)
    load(settings, "BRK.B", "^GSPC")
    assert ask(settings, "SELECT DISTINCT symbol FROM bars ORDER BY symbol") == [("BRK.B",), ("^GSPC",)]
