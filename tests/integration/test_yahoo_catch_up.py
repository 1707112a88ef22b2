"""How far back source yahoo asks, and what it makes of restated, vanished and unfinished days."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lake.config import load_settings
from lake.errors import BadInput
from lake.sources.base import IngestRequest
from lake.steps.ingest import ingest
from tests.charts import ChartServer, opening
from tests.stacks import CHECKOUT
from tests.yahoo import DAYS, ask, fetched, load, settings_of, two_stocks


@pytest.fixture
def server() -> Iterator[ChartServer]:
    with two_stocks() as running:
        yield running


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
