"""Gaps are counted in sessions of the exchange, recorded, and closed when they are filled."""

from pathlib import Path

import numpy as np

from lake.config import Settings
from lake.market.gaps import gaps_of
from lake.market.sessions import calendar
from lake.steps.ingest import default_request, ingest
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.lakes import table_versions

WEEK = ["2012-12-21", "2012-12-24", "2012-12-26", "2012-12-27", "2012-12-28"]


def load(settings: Settings, folder: Path, *days: str) -> None:
    path = folder / f"{'-'.join(days)}.csv"
    rows = [f"AAPL,{day},10,11,9,10,100" for day in days]
    path.write_text("\n".join(["symbol,ts,open,high,low,close,volume", *rows]) + "\n")
    ingest(settings, default_request(settings, source="files", path=str(path)))


def gaps(settings: Settings) -> list[tuple[str, str, int]]:
    query = "SELECT first_missing::VARCHAR, last_missing::VARCHAR, sessions FROM gaps ORDER BY 1"
    return connect(Lake.open(settings)).execute(query).fetchall()


def test_weekends_and_holidays_are_no_gaps() -> None:
    assert gaps_of(np.array(WEEK, dtype="datetime64[D]"), calendar("XNYS")) == []
    assert gaps_of(np.array([], dtype="datetime64[D]"), calendar("XNYS")) == []


def test_a_gap_is_recorded_split_and_closed_as_it_is_filled(settings: Settings, tmp_path: Path) -> None:
    load(settings, tmp_path, WEEK[0], WEEK[4])
    assert gaps(settings) == [("2012-12-24", "2012-12-27", 3)]
    load(settings, tmp_path, WEEK[2])
    assert gaps(settings) == [("2012-12-24", "2012-12-24", 1), ("2012-12-27", "2012-12-27", 1)]
    versions = table_versions(settings)
    load(settings, tmp_path, WEEK[2])
    assert table_versions(settings) == versions
    load(settings, tmp_path, WEEK[1], WEEK[3])
    assert gaps(settings) == []


def test_data_health_counts_what_a_series_has_and_lacks(settings: Settings, tmp_path: Path) -> None:
    load(settings, tmp_path, "2012-12-24", "2012-12-25", "2012-12-27")
    con = connect(Lake.open(settings))
    query = (
        "SELECT bars, last_session::VARCHAR, sessions_behind, gaps, missing_sessions, suspect, quarantined, "
        "quarantined_by_reason, revisions FROM data_health"
    )
    assert con.execute(query).fetchall() == [
        (2, "2012-12-27", 0, 1, 1, 1, 1, {"off_session": 1}, 0),
    ]
