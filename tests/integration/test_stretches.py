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


def rows(first: date, count: int) -> str:
    """Return weekdays of a steady price as CSV; on the third a split that it does not show."""
    days = [day for day in (first + timedelta(n) for n in range(2 * count)) if day.weekday() < 5][:count]
    lines = [f"AAA,{day},10,11,9,{10 + day.day / 100},1000,{2 if day == SPLIT_DAY else 1}" for day in days]
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
