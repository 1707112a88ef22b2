"""The small parts of the stream: stalls, the event clock, the pace of a replay, landing's offsets."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from lake.config import Settings
from lake.feed.pace import LONGEST_GAP, Pace
from lake.feed.partitions import partition_of
from lake.feed.spans import candle_texts
from lake.feed.times import micros_of, text_of
from lake.live.landing import Landing, candle_rows
from lake.market.candles import Candle
from lake.store.lake import Lake, now_utc
from lake.store.transactions import TransactionTaken

MINUTE = 60_000_000
OPENS = micros_of("2024-03-04T14:30:00Z")


def part(name: str) -> object:
    """Return a module of stream_agents that needs no Faust."""
    path = Path(__file__).resolve().parents[2] / "stream_agents" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bars(count: int, close: float = 10.5, symbol: str = "AAPL") -> list[tuple[str, Candle, int]]:
    """Return a symbol's first minutes of a session."""
    return [
        (
            symbol,
            Candle("1m", OPENS + n * MINUTE, 10.0, 11.0, 9.5, close, 100.0, True, False, "files"),
            OPENS + (n + 1) * MINUTE,
        )
        for n in range(count)
    ]


def test_a_partition_is_stuck_after_no_progress_for_long_enough() -> None:
    stall = part("stall").Stall(60.0)  # type: ignore[attr-defined]
    assert stall.stuck({("candles", 0): (5, 1), ("candles", 1): (5, 5)}, 0.0) == set()
    assert stall.stuck({("candles", 0): (9, 1), ("candles", 1): (6, 5)}, 59.0) == set()
    assert stall.stuck({("candles", 0): (9, 1), ("candles", 1): (6, 5)}, 60.0) == {("candles", 0)}
    assert stall.stuck({("candles", 0): (9, 2), ("candles", 1): (6, 6)}, 61.0) == set()
    assert stall.stuck({("candles", 0): (9, 2)}, 120.0) == set()


def test_event_time_goes_on_at_the_rate_of_real_time_and_never_back() -> None:
    clock = part("clock").EventClock()  # type: ignore[attr-defined]
    assert clock.now(5.0) == 0
    clock.has_come(OPENS, 10.0)
    assert clock.now(12.5) == OPENS + 2_500_000
    clock.has_come(OPENS - MINUTE, 13.0)
    assert clock.now(20.0) == OPENS + 10_000_000
    clock.has_come(OPENS + MINUTE, 20.0)
    assert clock.now(21.0) == OPENS + MINUTE + 1_000_000


def test_a_replay_keeps_its_pace_and_skips_nights() -> None:
    pace = Pace(60.0, 100.0)
    assert pace.due(OPENS) == 100.0
    assert pace.due(OPENS + MINUTE) == 101.0
    assert pace.due(OPENS + MINUTE + LONGEST_GAP) == 106.0
    assert pace.due(OPENS + 20 * 60 * MINUTE) == 106.0
    assert Pace(0.0, 3.0).due(OPENS) == 3.0


def test_a_symbol_has_one_partition_whatever_the_client() -> None:
    names = ("AAPL", "BRK.B", "^GSPC")
    assert [partition_of(name, 16) for name in names] == [12, 12, 4]
    assert partition_of("AAPL", 4) == 0


def test_times_in_messages_are_utc() -> None:
    assert text_of(OPENS) == "2024-03-04T14:30:00Z"
    for text in ("2024-03-04T14:30:00", "2024-03-04T09:30:00-05:00", "2024-03-04T14:30:00.000+00:00"):
        assert micros_of(text) == OPENS


def test_candles_are_found_as_they_were_written() -> None:
    text = ' { "a" : [1, {"candles": 2}] , "candles":\n[ {"x": "]"} ,2,[3]\t] , "b": null }'
    assert candle_texts(text) == ['{"x": "]"}', "2", "[3]"]
    assert candle_texts('{"candles":[]}') == []


def test_offsets_are_in_the_commit_that_brings_the_candles(settings: Settings) -> None:
    lake = Lake.open(settings)
    landing = Landing(lake, "cluster", "candles")
    landing.own([0, 1])
    landing.land({0: bars(3), 1: bars(2, symbol="IBM")}, {0: 7, 1: 9}, exchanges(), {}, now_utc())
    table = lake.table("candles")
    assert [table.transaction_version(f"cluster/candles-{n}") for n in (0, 1, 2)] == [7, 9, None]
    version = table.version()
    landing.land({0: bars(3)}, {0: 8}, exchanges(), {}, now_utc())
    assert lake.table("candles").version() == version


def test_who_has_lost_a_partition_lands_nothing(settings: Settings) -> None:
    lake = Lake.open(settings)
    first, second = (Landing(lake, "cluster", "candles") for _ in range(2))
    first.own([0, 1])
    second.own([0, 1])
    second.land({0: bars(1)}, {0: 5}, exchanges(), {}, now_utc())
    version = lake.table("candles").version()
    with pytest.raises(TransactionTaken, match="cluster/candles-0"):
        first.land({0: bars(2), 1: bars(2, symbol="IBM")}, {0: 3, 1: 4}, exchanges(), {}, now_utc())
    assert lake.table("candles").version() == version
    first.land({1: bars(2, symbol="IBM")}, {1: 4}, exchanges(), {}, now_utc())
    first.own([0, 1])
    first.land({0: bars(2)}, {0: 6}, exchanges(), {}, now_utc())
    assert lake.table("candles").transaction_version("cluster/candles-0") == 6


def test_rows_say_why_bars_are_suspect_and_what_is_odd() -> None:
    odd = Candle("1m", OPENS, 11.05, 11.0, 9.5, 10.0, 1.0, True, True, "files")
    made = Candle("5m", OPENS, 11.05, 11.0, 9.5, 10.0, 1.0, True, True, "derived")
    closes_at = OPENS + 5 * MINUTE
    rows = candle_rows(
        [("AAPL", odd, closes_at), ("AAPL", made, closes_at)], exchanges(), {("AAPL", "1m", OPENS): "jump"}
    )
    assert rows["quality"].to_pylist() == ["suspect", "suspect"]
    assert rows["quality_reason"].to_pylist() == ["jump; outside_range_within_1pct", None]
    assert rows["month"].to_pylist() == [202403, 202403]
    assert str(rows["session"][0]) == "2024-03-04"


def exchanges() -> dict[str, str]:
    """Return the exchanges of the symbols above."""
    return {"AAPL": "XNYS", "IBM": "XNYS"}
