"""What the DAG of candles does: which sources have minutes, and what is derived of them."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from lake.config import Settings, load_settings
from lake.errors import BadInput
from lake.sources.base import IngestRequest
from lake.steps.candles import derive_candles, find_candle_levels, nothing_to_fetch
from lake.steps.ingest import default_request, ingest, plan
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.stacks import CHECKOUT


def test_a_run_that_nobody_asked_for_has_nothing_to_do_on_the_sample(settings: Settings) -> None:
    request = default_request(settings, timeframe="1m")
    assert nothing_to_fetch(request) == (
        "source sample of conf/universe.yaml has days only; choose yahoo or simulated for minutes"
    )
    assert "is read when somebody names a path" in str(nothing_to_fetch(IngestRequest("files")))
    assert nothing_to_fetch(IngestRequest("files", path="minutes.csv")) is None
    assert nothing_to_fetch(IngestRequest("simulated")) is None


def test_minutes_make_longer_candles_of_the_symbols_that_came(settings: Settings) -> None:
    day = date(2024, 3, 25)
    request = IngestRequest("simulated", ("SIM01",), timeframe="1m", start=day, end=day)
    ingest(settings, request)
    asked = IngestRequest("yahoo", ("GONE", "SIM01"), timeframe="1m")  # one that could not be fetched
    inserted = derive_candles(settings, asked)["inserted"]
    found = connect(Lake.open(settings)).execute(
        "SELECT timeframe, count(*) FROM candles WHERE source = 'derived' GROUP BY ALL ORDER BY 2"
    )
    counts = dict(found.fetchall())
    assert list(counts) == ["30m", "15m", "5m"]
    assert inserted == sum(counts.values()) > 100
    assert derive_candles(settings, request)["inserted"] == 0


def test_what_came_has_levels_on_the_longer_candles(settings: Settings) -> None:
    day = date(2024, 3, 25)
    ingest(settings, IngestRequest("simulated", ("SIM01", "SIM02"), timeframe="1m", start=day, end=day))
    derive_candles(settings, IngestRequest("simulated", timeframe="1m"))
    asked = IngestRequest("yahoo", ("GONE", "SIM01"), timeframe="1m")  # one that could not be fetched
    assert find_candle_levels(settings, asked)["written"] > 0
    found = connect(Lake.open(settings)).execute("SELECT DISTINCT symbol, timeframe FROM levels")
    assert set(found.fetchall()) == {("SIM01", name) for name in ("5m", "15m", "30m")}
    assert find_candle_levels(settings, asked)["written"] == 0


def test_candles_that_are_not_minutes_and_symbols_that_never_came_make_nothing(settings: Settings) -> None:
    nothing = {"timeframes": 0, "inserted": 0, "closed": 0}
    assert derive_candles(settings, IngestRequest("yahoo", ("GONE",), timeframe="1m")) == nothing
    assert derive_candles(settings, IngestRequest("yahoo", timeframe="5m")) == nothing
    assert find_candle_levels(settings, IngestRequest("yahoo", ("GONE",)))["symbols"] == 0


def test_yahoo_as_the_source_of_the_universe_file_is_asked_for_its_symbols(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(CHECKOUT / "conf", home / "conf")
    universe = home / "conf" / "universe.yaml"
    text = universe.read_text().replace("source: sample", "source: yahoo")
    universe.write_text(text.replace("symbols: []", "symbols: [MSFT, AAPL]"))
    settings = load_settings(lake_home=home, lake_root=str(tmp_path / "lake"))
    for request in (default_request(settings), default_request(settings, source="yahoo")):
        assert (request.source, request.symbols) == ("yahoo", ("MSFT", "AAPL"))
        assert plan(settings, request) == [["AAPL", "MSFT"]]
    assert default_request(settings, source="sample").symbols == ()
    assert default_request(settings, symbols=("IBM",)).symbols == ("IBM",)


def test_a_timeframe_that_yahoo_does_not_give_is_refused(settings: Settings) -> None:
    with pytest.raises(BadInput, match="longer bars are derived"):
        plan(settings, IngestRequest("yahoo", ("AAPL",), timeframe="1wk"))
