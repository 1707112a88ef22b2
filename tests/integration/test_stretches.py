"""A stretch that is loaded changes no verdict on what it does not show."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from lake.config import load_settings
from lake.steps.ingest import IngestRequest, ingest
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.lakes import content

STRETCHES = [("2013-02-25", "2013-02-25"), ("2004-11-15", "2004-11-15"), ("2001-01-02", "2001-06-29")]
SPLIT_DAY = date(2012, 1, 5)


def test_a_stretch_loaded_again_changes_nothing(tmp_path: Path) -> None:
    settings = load_settings(lake_root=str(tmp_path / "lake"))
    ingest(settings, IngestRequest(source="sample"))
    before = content(settings)
    for start, end in STRETCHES:
        ingest(
            settings,
            IngestRequest(source="sample", start=date.fromisoformat(start), end=date.fromisoformat(end)),
        )
        assert content(settings) == before, f"{start} to {end}"


def rows(first: date, count: int, spike: date | None = None) -> str:
    """Return weekdays of a steady price as CSV, but for a spike; without, SPLIT_DAY has a phantom split."""
    days = [day for day in (first + timedelta(n) for n in range(2 * count)) if day.weekday() < 5][:count]
    lines = []
    for day in days:
        price, split = 100 if day == spike else 10, 2 if day == SPLIT_DAY and spike is None else 1
        lines.append(f"AAA,{day},{price},{price * 1.1},{price * 0.9},{price + day.day / 100},1000,{split}")
    return "symbol,ts,open,high,low,close,volume,split\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("first", [date(2012, 3, 1), date(2013, 6, 3), date(2016, 6, 1)])
def test_a_suspect_split_stays_suspect_however_far_away_the_next_bars_are(
    tmp_path: Path, first: date
) -> None:
    settings, file = load_settings(lake_root=str(tmp_path / "lake")), tmp_path / "bars.csv"
    for text in (rows(date(2012, 1, 3), 20), rows(first, 5)):
        file.write_text(text)
        ingest(settings, IngestRequest(source="files", path=str(file)))
        con = connect(Lake.open(settings))
        found = con.execute("SELECT quality, quality_reason, is_applied FROM actions").fetchall()
        assert found == [("suspect", "split_not_shown", False)]


@pytest.mark.parametrize("days_later", [1, 40, 364, 365, 366, 367, 729, 730, 731, 732])
def test_a_suspect_bar_stays_suspect_whenever_the_next_bars_come(tmp_path: Path, days_later: int) -> None:
    settings, file = load_settings(lake_root=str(tmp_path / "lake")), tmp_path / "bars.csv"
    spike = date(2012, 3, 14)
    last = date(2012, 6, 1)
    first = max(spike + timedelta(days_later), last + timedelta(1))
    for text in (rows(date(2012, 1, 3), 108, spike), rows(first, 3)):
        file.write_text(text)
        ingest(settings, IngestRequest(source="files", path=str(file)))
        con = connect(Lake.open(settings))
        query = "SELECT session, quality_reason FROM bars WHERE session < ? AND quality = 'suspect'"
        assert con.execute(query, [first]).fetchall() == [
            (spike, "step_10x"),
            (spike + timedelta(1), "step_10x"),
        ]
