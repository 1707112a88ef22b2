import numpy as np
import pytest

from lake.errors import BadInput
from lake.market.aggregator import Aggregator
from lake.market.bars import Bars
from lake.market.buckets import MINUTE
from lake.market.candles import Candle, Pushed
from lake.market.sessions import calendar

NEW_YORK = calendar("XNYS")


def at(clock: str, day: str = "2019-01-02") -> int:
    return int(np.datetime64(f"{day}T{clock}", "us").astype(np.int64))


def minute(clock: str, close: float = 10.0, volume: float = 100.0, **more: object) -> Candle:
    return Candle("1m", at(clock), close, close + 1, close - 1, close, volume)._replace(**more)  # type: ignore[arg-type]


def vendor(clock: str, close: float, timeframe: str = "5m", **more: object) -> Candle:
    return minute(clock, close, source="yahoo", timeframe=timeframe, **more)


def fives(emits_forming: bool = False) -> Aggregator:
    return Aggregator("AAPL", NEW_YORK, ["5m"], emits_forming)


def told(pushed: Pushed) -> list[tuple[str, float, float]]:
    return [(change.status, change.bar.close, change.bar.volume) for change in pushed.changes]


def test_a_bar_closes_with_its_last_minute_or_the_first_of_a_later_bar() -> None:
    bars = fives()
    assert told(bars.push(minute("14:30", 1.0))) == []
    assert told(bars.push(minute("14:34", 2.0))) == [("closed", 2.0, 200.0)]
    assert told(bars.push(minute("14:36", 3.0))) == []
    assert told(bars.push(minute("14:47", 4.0))) == [("closed", 3.0, 100.0)]


def test_a_bar_closes_when_the_clock_says_so_and_only_once() -> None:
    bars = fives()
    bars.push(minute("14:31"))
    assert told(bars.close("1m", at("14:33"))) == []
    assert told(bars.close("1m", at("14:34"))) == [("closed", 10.0, 100.0)]
    assert told(bars.close("5m", at("14:30"))) == []
    assert told(bars.push(minute("14:35"))) == []


def test_forming_bars_are_told_where_wanted() -> None:
    bars = fives(emits_forming=True)
    assert told(bars.push(minute("14:30", 1.0, is_closed=False))) == [("forming", 1.0, 100.0)]
    assert told(bars.push(minute("14:30", 2.0, 150.0))) == [("forming", 2.0, 150.0)]
    assert bars.push(minute("14:30", 2.0, 150.0, is_closed=False)).outcome == "stale"


def test_a_late_minute_corrects_the_bar_that_had_closed() -> None:
    bars = fives()
    for clock in ("14:30", "14:34", "14:35"):
        bars.push(minute(clock))
    pushed = bars.push(minute("14:32", 20.0))
    (change,) = pushed.changes
    assert (pushed.outcome, change.status, change.bar.high, change.bar.volume) == (
        "correction",
        "corrected",
        21.0,
        300.0,
    )
    assert change.replaces is not None and change.replaces.volume == 200.0


def test_a_late_minute_makes_a_bar_that_was_absent() -> None:
    bars = fives()
    bars.push(minute("14:30"))
    bars.push(minute("14:40"))
    (change,) = bars.push(minute("14:36")).changes
    assert (change.status, change.replaces) == ("corrected", None)


def test_another_version_of_a_minute_replaces_it_and_a_repeat_changes_nothing() -> None:
    bars = fives()
    for clock in ("14:30", "14:34"):
        bars.push(minute(clock))
    assert told(bars.push(minute("14:30", volume=70.0))) == [("corrected", 10.0, 170.0)]
    assert bars.push(minute("14:30", volume=70.0)) == Pushed("repeat", [], [])
    assert bars.push(minute("14:30", volume=70.00001)) == Pushed("repeat", [], [])


def test_a_forming_minute_closes_when_the_next_begins() -> None:
    bars = fives()
    bars.push(minute("14:34", 5.0, is_closed=False))
    changes = bars.push(minute("14:35")).changes
    assert [(change.bar.timeframe, change.status, change.bar.close) for change in changes] == [
        ("1m", "closed", 5.0),
        ("5m", "closed", 5.0),
    ]
    assert all(change.bar.is_closed for change in changes)


def test_a_candle_of_an_earlier_session_is_left_to_batch() -> None:
    bars = fives()
    bars.push(minute("14:30"))
    closed = bars.push(minute("14:30", ts=at("14:30", "2019-01-03")))
    assert told(closed) == [("closed", 10.0, 100.0)]
    assert bars.push(minute("14:31")) == Pushed("earlier_session", [], [])


@pytest.mark.parametrize("ts", [at("14:29"), at("21:00"), at("14:30", "2019-01-05"), at("14:30") + 1])
def test_a_candle_that_no_session_has_is_outside(ts: int) -> None:
    assert fives().push(minute("14:30", ts=ts)).outcome == "outside"


def test_a_vendors_bar_after_the_derived_one_corrects_it_and_the_difference_is_told() -> None:
    bars = fives()
    bars.push(minute("14:34", 10.0))
    pushed = bars.push(vendor("14:30", 11.0))
    (change,), (difference,) = pushed.changes, pushed.differences
    assert (change.status, change.bar.close, change.bar.source) == ("corrected", 11.0, "yahoo")
    assert change.replaces == difference.derived
    assert (difference.vendor.close, difference.derived.close) == (11.0, 10.0)


def test_a_vendors_bar_that_says_what_the_minutes_say_is_no_news() -> None:
    bars = fives()
    bars.push(minute("14:34", 10.0))
    assert bars.push(vendor("14:30", 10.0)) == Pushed("new", [], [])


def test_a_vendors_bar_that_came_first_stays_and_the_difference_is_told() -> None:
    bars = fives()
    assert told(bars.push(vendor("14:30", 11.0))) == [("closed", 11.0, 100.0)]
    pushed = bars.push(minute("14:34", 10.0))
    assert (pushed.changes, len(pushed.differences)) == ([], 1)
    assert bars.bars("5m").close.tolist() == [11.0]
    assert len(bars.push(minute("14:31", 9.0)).differences) == 1


def test_a_vendors_forming_bar_closes_with_the_next_or_the_clock() -> None:
    bars = fives()
    bars.push(vendor("14:30", 1.0, is_closed=False))
    assert told(bars.push(vendor("14:35", 2.0, is_closed=False))) == [("closed", 1.0, 100.0)]
    assert bars.push(vendor("14:30", 3.0, is_closed=False)).outcome == "stale"
    assert told(bars.close("5m", at("14:35"))) == [("closed", 2.0, 100.0)]


def test_a_vendors_bar_does_not_close_bars_of_minutes() -> None:
    bars = fives()
    bars.push(minute("14:30"))
    assert told(bars.push(vendor("14:35", 2.0))) == [("closed", 2.0, 100.0)]
    assert told(bars.push(minute("14:34"))) == [("closed", 10.0, 200.0)]


def test_a_timeframe_that_is_not_kept_is_refused() -> None:
    with pytest.raises(BadInput, match=r"timeframe that is kept \(5m\), found '30m'"):
        fives().push(vendor("14:30", 11.0, "30m"))


def test_the_aggregator_is_rebuilt_from_the_lakes_bars() -> None:
    bars = Aggregator("AAPL", NEW_YORK)
    for clock in ("14:30", "14:31", "14:36"):
        bars.push(minute(clock))
    bars.close("1m", at("14:41"))
    again = Aggregator.restored(NEW_YORK, bars.bars("1m"), closed_until=bars.closed_until)
    for timeframe in ("1m", "5m", "15m", "30m"):
        assert rows(again.bars(timeframe)) == rows(bars.bars(timeframe))
    assert again.push(minute("14:42")) == bars.push(minute("14:42"))
    assert again.closed_until == bars.closed_until == at("14:42") + MINUTE


def rows(bars: Bars) -> list[tuple[object, ...]]:
    names = (
        "ts",
        "closes_at",
        "session",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "is_complete",
        "is_suspect",
    )
    return list(zip(*(getattr(bars, name).tolist() for name in names), strict=True))
