"""What is learned of a split later changes verdicts on days, weeks and candles that were there before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake.config import Settings
from lake.market.sessions import calendar
from lake.steps.ingest import IngestRequest, ingest
from lake.steps.quarantine import DISCARDED, decide, suspects
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.builders import sessions

DAYS = sessions("2012-01-03", 60)
SPLIT = 30
"""The number of the day from which prices are a quarter."""

SPAN: dict[str, Any] = {"start": date(2012, 1, 1), "end": date(2012, 12, 31)}


def price(number: int) -> float:
    return (10.0 + number % 3 / 10) / (4 if number >= SPLIT else 1)


def line(start: str, number: int, split: float = 1) -> str:
    value = price(number)
    return f"AAA,{start},{value},{value * 1.01},{value * 0.99},{value},{1000 + number},{split}"


def days(rows: range, split: float) -> list[str]:
    """Return days of which the splitting one has its split."""
    return [line(DAYS[number], number, split if number == SPLIT else 1) for number in rows]


def candles() -> list[str]:
    """Return the first quarter of an hour of each day."""
    nyse = calendar("XNYS")
    opens = dict(zip(nyse.sessions.astype(str), nyse.opens_at.astype("datetime64[s]"), strict=True))
    return [line(f"{opens[day]}Z", number) for number, day in enumerate(DAYS)]


def load(settings: Settings, folder: Path, lines: list[str], timeframe: str = "1d", **span: Any) -> None:
    file = folder / f"{timeframe}.csv"
    file.write_text("\n".join(["symbol,ts,open,high,low,close,volume,split", *lines]) + "\n")
    ingest(settings, IngestRequest("files", timeframe=timeframe, path=str(file), **span))


def doubts(settings: Settings) -> list[tuple[Any, ...]]:
    query = "SELECT timeframe, session, quality_reason FROM bars WHERE quality = 'suspect' ORDER BY ALL"
    return connect(Lake.open(settings)).execute(query).fetchall()


DAY = date.fromisoformat(DAYS[SPLIT])


def test_a_split_that_comes_with_days_clears_candles_that_were_there(
    settings: Settings, tmp_path: Path
) -> None:
    load(settings, tmp_path, candles(), "15m")
    assert doubts(settings) == [("15m", DAY, "jump")]
    load(settings, tmp_path, days(range(60), 4))
    assert doubts(settings) == []


def test_a_split_that_comes_late_clears_days_and_weeks_that_were_there(
    settings: Settings, tmp_path: Path
) -> None:
    fridays = [number for number, day in enumerate(DAYS) if date.fromisoformat(day).weekday() == 4]
    weeks = [line(str(date.fromisoformat(DAYS[number]) - timedelta(4)), number) for number in fridays]
    load(settings, tmp_path, weeks, "1wk")
    load(settings, tmp_path, days(range(60), 1))
    assert {timeframe for timeframe, *_ in doubts(settings)} == {"1d", "1wk"}
    load(settings, tmp_path, days(range(SPLIT, SPLIT + 1), 4), **SPAN)
    assert doubts(settings) == []


def test_a_split_that_a_person_discards_leaves_a_jump_in_days_and_candles(
    settings: Settings, tmp_path: Path
) -> None:
    load(settings, tmp_path, days(range(60), 2))  # the ratio is wrong: it was 4
    load(settings, tmp_path, candles(), "15m")
    assert doubts(settings) == [("15m", DAY, "jump; split_missing"), ("1d", DAY, "jump; split_missing")]
    (split,) = [row for row in suspects(connect(Lake.open(settings))) if row["about"] == "action"]
    decide(settings, [split["id"]], DISCARDED)
    assert doubts(settings) == [("15m", DAY, "jump"), ("1d", DAY, "jump")]


class Killed(BaseException):
    """What ends a process on the spot."""


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return how to end the run at its first commit to a table."""

    def kill_at(table: str) -> None:
        upsert = Lake.upsert

        def dies(self: Lake, name: str, rows: pa.Table, at: datetime, gone: pa.Table | None = None) -> Any:
            if name == table and (rows.num_rows or (gone is not None and gone.num_rows)):
                raise Killed
            return upsert(self, name, rows, at, gone)

        monkeypatch.setattr(Lake, "upsert", dies)

    return kill_at


@pytest.mark.parametrize("table", ["bars", "candles"])
def test_a_run_that_was_killed_after_it_stored_the_split_finishes_what_hangs_on_it(
    settings: Settings,
    tmp_path: Path,
    table: str,
    killed_at: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load(settings, tmp_path, candles(), "15m")
    load(settings, tmp_path, days(range(60), 1))
    late = days(range(SPLIT, SPLIT + 1), 4)
    killed_at(table)
    with pytest.raises(Killed):
        load(settings, tmp_path, late, **SPAN)
    monkeypatch.undo()
    assert ("15m", DAY, "jump") in doubts(settings)
    load(settings, tmp_path, late, **SPAN)
    assert doubts(settings) == []


@pytest.mark.parametrize("table", ["bars", "candles", "actions"])
def test_a_discard_that_was_killed_finishes_when_it_is_asked_again(
    settings: Settings,
    tmp_path: Path,
    table: str,
    killed_at: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load(settings, tmp_path, days(range(60), 2))
    load(settings, tmp_path, candles(), "15m")
    (split,) = [row for row in suspects(connect(Lake.open(settings))) if row["about"] == "action"]
    killed_at(table)
    with pytest.raises(Killed):
        decide(settings, [split["id"]], DISCARDED)
    monkeypatch.undo()
    decide(settings, [split["id"]], DISCARDED)
    assert doubts(settings) == [("15m", DAY, "jump"), ("1d", DAY, "jump")]
    assert connect(Lake.open(settings)).execute("SELECT count(*) FROM actions").fetchone() == (0,)
