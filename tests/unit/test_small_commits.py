"""Many small commits: their files are put together, and a merge reads only those that may hold its keys."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from lake.config import Settings
from lake.errors import StoreUnavailable
from lake.live.landing import Landing
from lake.market.candles import Candle
from lake.store import compaction
from lake.store.catalog import connect
from lake.store.files import local_path
from lake.store.lake import Lake

T0 = datetime(2026, 1, 1, tzinfo=UTC)
OPENS_AT = int(np.datetime64("2019-01-02T14:30", "us").astype(np.int64))
MINUTE = 60_000_000
XNYS = {"A": "XNYS"}


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake.open(settings)


def bar(minute: int, close: float = 10.0) -> tuple[str, Candle, int]:
    ts = OPENS_AT + minute * MINUTE
    return "A", Candle("1m", ts, 10.0, 11.0, 9.0, close, 100.0, True, False, "simulated"), ts + MINUTE


def land(landing: Landing, number: int, *bars: tuple[str, Candle, int]) -> None:
    landing.land({0: bars}, {0: number}, XNYS, {}, T0 + timedelta(seconds=number))


def files(lake: Lake) -> int:
    return len(lake.table("candles").file_uris())


def versions(lake: Lake) -> list[tuple[int, float, bool]]:
    found = connect(lake).execute(
        "SELECT ts, close, superseded_at IS NULL FROM lake.candles ORDER BY ts, known_at"
    )
    return [
        (int((ts - datetime(2019, 1, 2, 14, 30, tzinfo=UTC)) / timedelta(minutes=1)), *rest)
        for ts, *rest in found.fetchall()
    ]


def test_small_files_become_one_and_no_row_changes(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "MANY", 8)
    landing = Landing(lake, "cluster", "candles")
    landing.own([0])
    for minute in range(20):
        land(landing, minute, bar(minute), bar(max(minute - 1, 0), 10.5))  # the minute before is corrected
    expected = [(minute, close, close == 10.5) for minute in range(19) for close in (10.0, 10.5)]
    assert versions(lake) == [*expected, (19, 10.0, True)]
    assert files(lake) < 8
    assert lake.table("candles").transaction_version("cluster/candles-0") == 19


def test_a_repeat_of_what_was_put_together_makes_no_version(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "MANY", 4)
    landing = Landing(lake, "cluster", "candles")
    landing.own([0])
    for minute in range(8):
        land(landing, minute, bar(minute))
    version = lake.table("candles").version()
    land(landing, 9, *(bar(minute) for minute in range(8)))
    assert lake.table("candles").version() == version


def test_a_merge_reads_no_file_of_another_time(lake: Lake) -> None:
    landing = Landing(lake, "cluster", "candles")
    landing.own([0])
    land(landing, 1, bar(0))
    table = lake.table("candles")
    (first,) = (local_path(table, uri) for uri in table.file_uris())
    land(landing, 2, bar(60))
    Path(first).unlink()  # whoever reads it fails
    land(landing, 3, bar(60, 10.5), bar(61))
    assert files(lake) == 2
    with pytest.raises(StoreUnavailable, match=Path(first).name):
        land(landing, 4, bar(0, 10.5))
