"""Release and discard: corrections that later ingestion heeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.config import Settings
from lake.errors import BadInput
from lake.steps.derive import derive_longer_bars
from lake.steps.ingest import default_request, ingest
from lake.steps.quarantine import DISCARDED, RELEASED, decide, suspects
from lake.steps.verify import verify
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.builders import sessions
from tests.lakes import table_versions

HOLIDAY, BAD_RANGE, BLANK = "2012-12-25", "2012-12-26", "2012-12-27"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Sixty days at about 10; a holiday, a close outside the range, a blank, and a jump that goes back."""
    lines = ["symbol,ts,open,high,low,close,volume,dividend"]
    for number, day in enumerate(sessions("2012-10-31", 50)):
        close = 30.0 if number == 30 else 10.0 + number % 3 / 10
        if day not in (BAD_RANGE, BLANK):
            cash = 6.0 if number == 25 else 0.0
            lines.append(f"AAPL,{day},{close},{close + 0.1},{close - 0.1},{close},{1000 + number},{cash}")
    lines += [f"AAPL,{HOLIDAY},10,10.2,9.9,10.1,50,0", f"AAPL,{BAD_RANGE},10,10.2,9.9,11,50,0"]
    lines.append(f"AAPL,{BLANK},,10.2,9.9,10,50,0")
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def loaded(settings: Settings, path: Path) -> Settings:
    """A lake with that file in it."""
    load(settings, path)
    return settings


def load(settings: Settings, path: Path) -> None:
    ingest(settings, default_request(settings, source="files", path=str(path)))


def ask(settings: Settings, query: str) -> list[tuple[object, ...]]:
    return connect(Lake.open(settings)).execute(query).fetchall()


def held(settings: Settings, reason: str) -> str:
    ((found,),) = ask(settings, f"SELECT quarantine_id FROM quarantine WHERE reason = '{reason}'")
    return str(found)


def doubted(settings: Settings, about: str) -> list[str]:
    return [row["id"][:12] for row in suspects(connect(Lake.open(settings))) if row["about"] == about]


def repeats_nothing(settings: Settings, path: Path) -> bool:
    versions = table_versions(settings)
    load(settings, path)
    return table_versions(settings) == versions


@pytest.mark.parametrize(("reason", "day"), [("off_session", HOLIDAY), ("outside_range", BAD_RANGE)])
def test_a_released_row_enters_as_it_was_delivered_and_stays(
    loaded: Settings, path: Path, reason: str, day: str
) -> None:
    decide(loaded, [held(loaded, reason)[:12]], RELEASED)
    query = f"SELECT quality, quality_reason, volume FROM bars WHERE ts::DATE = '{day}' AND timeframe = '1d'"
    assert ask(loaded, query) == [("ok", f"released: {reason}", 50.0)]
    assert ask(loaded, f"SELECT status FROM quarantine WHERE reason = '{reason}'") == [("released",)]
    assert repeats_nothing(loaded, path)
    derive_longer_bars(loaded, timeframes=["1wk", "3d"])
    assert all(audit.is_clean for audit in verify(loaded))


def test_a_row_without_a_price_can_never_be_released(loaded: Settings) -> None:
    versions = table_versions(loaded)
    with pytest.raises(BadInput, match="a price is missing; deliver it corrected, or discard it"):
        decide(loaded, [held(loaded, "blank")], RELEASED)
    assert table_versions(loaded) == versions


def test_a_discarded_row_is_remembered(loaded: Settings, path: Path) -> None:
    decide(loaded, [held(loaded, "blank")], DISCARDED)
    assert ask(loaded, "SELECT status FROM quarantine WHERE reason = 'blank'") == [("discarded",)]
    assert repeats_nothing(loaded, path)


def test_a_released_suspect_bar_is_ok_and_stays_so(loaded: Settings, path: Path) -> None:
    first, second = doubted(loaded, "bar")
    decide(loaded, [first], RELEASED)
    assert doubted(loaded, "bar") == [second]
    ((quality, reason),) = ask(loaded, "SELECT quality, quality_reason FROM bars WHERE close = 30")
    assert (quality, reason) == ("ok", "released: jump")
    assert ask(loaded, "SELECT count(*) FROM bar_versions WHERE close = 30") == [(2,)]
    assert repeats_nothing(loaded, path)


def test_a_discarded_suspect_bar_is_gone_and_what_followed_it_is_judged_anew(
    loaded: Settings, path: Path
) -> None:
    decide(loaded, doubted(loaded, "bar")[:1], DISCARDED)
    assert ask(loaded, "SELECT close FROM bars WHERE close = 30") == []
    assert doubted(loaded, "bar") == []  # the bar after it no longer jumps back
    assert ask(loaded, "SELECT superseded_at IS NOT NULL FROM bar_versions WHERE close = 30") == [(True,)]
    assert ask(loaded, "SELECT sum(sessions) FROM gaps") == [(3,)]
    assert repeats_nothing(loaded, path)


def test_another_value_needs_another_decision(loaded: Settings, path: Path) -> None:
    decide(loaded, doubted(loaded, "bar")[:1], DISCARDED)
    path.write_text(path.read_text().replace("30.0,30.1,29.9,30.0", "31.0,31.1,30.9,31.0"))
    load(loaded, path)
    assert ask(loaded, "SELECT quality FROM bars WHERE close = 31") == [("suspect",)]


@pytest.mark.parametrize("verdict", [RELEASED, DISCARDED])
def test_a_suspect_dividend_waits_until_a_person_decides(loaded: Settings, path: Path, verdict: str) -> None:
    assert ask(loaded, "SELECT is_applied, quality_reason FROM actions") == [(False, "above_half_price")]
    decide(loaded, doubted(loaded, "action"), verdict)
    after = [(True, "released: above_half_price")] if verdict == RELEASED else []
    assert ask(loaded, "SELECT is_applied, quality_reason FROM actions") == after
    assert repeats_nothing(loaded, path)


@pytest.mark.parametrize("name", ["", "abc", "0000000000"])
def test_an_id_that_names_nothing_is_refused(loaded: Settings, name: str) -> None:
    with pytest.raises(BadInput, match="expected the id of one held row"):
        decide(loaded, [name], RELEASED)
