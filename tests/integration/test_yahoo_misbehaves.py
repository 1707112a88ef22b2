"""What Yahoo may answer instead of bars, by the real yfinance: nothing is written that should not be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.errors import SourceBusy, SourceUnavailable
from lake.sources.base import IngestRequest
from lake.sources.yahoo import YahooSource
from lake.steps.ingest import ingest
from tests import charts
from tests.charts import ChartServer, add_minutes, chart_server, made_book, opening
from tests.lakes import content, run_lake, table_versions
from tests.yahoo import DAYS, SECONDS, ask, load, sessions, settings_of, two_stocks


@pytest.fixture
def server() -> Iterator[ChartServer]:
    with two_stocks() as running:
        yield running


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


TODAY = datetime.now(UTC).date()


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


NEVER: dict[str, charts.Mood] = {
    "empty": charts.empty,
    "no volume": charts.without(*QUOTE, "volume"),
    "500": charts.broken,
    "hangs": charts.hang,
    "403": charts.forbidden,
    "half of the JSON": charts.half_json,
    "cut off": charts.cut_off,
    "words": charts.words,
}


@pytest.mark.parametrize("kind", NEVER)
def test_no_table_moves_by_an_answer_that_is_none(server: ChartServer, tmp_path: Path, kind: str) -> None:
    fresh = settings_of(server, tmp_path, "fresh")
    server.mood = NEVER[kind]
    with pytest.raises(SourceUnavailable):
        load(fresh)
    assert set(table_versions(fresh).values()) == {0}
    full = settings_of(server, tmp_path, "full")
    recent = sessions(str(TODAY - timedelta(days=20)), str(TODAY - timedelta(days=2)))
    book = server.books["AAA"] = made_book("AAA", recent)
    add_minutes(book, "5m", 5, recent)
    server.mood = charts.honest
    load(full, timeframe="5m")
    before = table_versions(full)
    for mode in ("catch-up", "reset"):
        server.mood = NEVER[kind]
        with pytest.raises(SourceUnavailable):
            load(full, timeframe="5m", mode=mode)
        assert table_versions(full) == before


def test_rows_without_values_close_nothing_that_was_there(server: ChartServer, tmp_path: Path) -> None:
    settings = settings_of(server, tmp_path)
    load(settings)
    bars = ask(settings, "SELECT * FROM bars ORDER BY ts")
    server.mood = charts.nulls
    for mode in ("catch-up", "reset"):
        load(settings, mode=mode)
        assert ask(settings, "SELECT * FROM bars ORDER BY ts") == bars
    server.mood = charts.honest
    row = server.books["AAA"].rows["1d"][opening(DAYS[40])]
    row["close"] = None
    counts = load(settings, mode="reset")
    assert (counts["bars"]["closed"], counts["quarantine"]["inserted"]) == (0, 1)
    assert ask(settings, "SELECT * FROM bars ORDER BY ts") == bars


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
