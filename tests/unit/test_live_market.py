"""The live market by hand: what is landed, raised, taken back, left to batch; the clock; suspects."""

from __future__ import annotations

import numpy as np
import pytest

from lake.live.market import GRACE, LiveMarket, Taken
from lake.market.aggregate import micros
from lake.market.buckets import MINUTE
from lake.market.candles import Candle
from lake.market.sessions import calendar
from lake.rules.language import parse_rules
from lake.thresholds import read_thresholds
from tests.builders import actions, daily_bars
from tests.conftest import CHECKOUT
from tests.live import NOW

RULES = parse_rules(
    """
above:
  description: The close is above 11.
  timeframes: [5m]
  fires: every_bar
  severity: info
  bullish: close > 11
turn:
  description: The close is on another side of the open.
  timeframes: [5m]
  fires: on_change
  severity: info
  precedence: [bearish, bullish]
  bullish: close > open
  bearish: close < open
"""
)
LIMITS = read_thresholds(CHECKOUT / "conf")
DAYS = calendar("XNYS")
FIRST = int(np.searchsorted(DAYS.sessions, np.datetime64("2019-01-02")))
OPEN = int(micros(DAYS.opens_at)[FIRST])
NEXT = int(micros(DAYS.opens_at)[FIRST + 1])


def minute(number: int, close: float, opens: int = OPEN, open_: float = 10.0, **changes: object) -> Candle:
    """Return the candle of a minute of a session, with a range around its prices."""
    low, high = min(open_, close) - 0.1, max(open_, close) + 0.1
    return Candle("1m", opens + number * MINUTE, open_, high, low, close, 100.0, source="files")._replace(
        **changes
    )  # type: ignore[arg-type]


def market(**exchanges: str) -> LiveMarket:
    return LiveMarket(RULES, exchanges or {"AAPL": "XNYS"}, LIMITS)


def take(live: LiveMarket, *candles: Candle) -> Taken:
    return live.take([("AAPL", candle) for candle in candles], NOW)


def told(taken: Taken) -> list[tuple[str, str, str, str]]:
    return [(each.rule, each.variant, f"{each.ts:%H:%M}", each.status) for each in taken.alerts]


def landed(taken: Taken) -> list[tuple[str, str, int, float, int]]:
    """Return timeframe, source, minute of the session, close and end of each bar."""
    return [
        (bar.timeframe, bar.source, (bar.ts - OPEN) // MINUTE, bar.close, (ends - OPEN) // MINUTE)
        for _, bar, ends in taken.bars
    ]


def test_minutes_and_the_bars_that_they_close_are_landed_and_judged() -> None:
    live = market()
    first = take(live, *(minute(number, 10.5) for number in range(4)))
    assert (landed(first), first.alerts) == ([("1m", "files", n, 10.5, n + 1) for n in range(4)], [])
    taken = take(live, minute(4, 11.5), minute(5, 10.0))
    assert landed(taken) == [
        ("5m", "derived", 0, 11.5, 5),
        ("1m", "files", 4, 11.5, 5),
        ("1m", "files", 5, 10.0, 6),
    ]
    assert told(taken) == [
        ("above", "bullish", "14:30", "confirmed"),
        ("turn", "bullish", "14:30", "confirmed"),
    ]
    assert all((each.origin, each.fired_at, each.price) == ("stream", NOW, 11.5) for each in taken.alerts)


def test_forming_candles_are_not_landed() -> None:
    assert take(market(), minute(0, 12.0, is_closed=False)).bars == []


def test_a_repeat_is_no_news() -> None:
    live = market()
    candles = [minute(number, 12.0) for number in range(6)]
    assert len(take(live, *candles).alerts) == 2
    assert take(live, *candles) == Taken([], [], [], {})


def test_a_correction_takes_back_what_does_not_fire_any_more_and_everything_after_it_is_judged_again() -> (
    None
):
    live = market()
    take(live, *(minute(number, 12.0) for number in range(5)))
    second = take(live, *(minute(number, 12.0) for number in range(5, 10)))
    assert told(second) == [("above", "bullish", "14:35", "confirmed")]  # still on the same side: no turn
    corrected = take(live, minute(4, 9.0))
    assert landed(corrected)[0] == ("5m", "derived", 0, 9.0, 5)
    assert sorted(told(corrected)) == [
        ("above", "bullish", "14:30", "invalidated"),
        ("turn", "bearish", "14:30", "confirmed"),
        ("turn", "bullish", "14:30", "invalidated"),
        ("turn", "bullish", "14:35", "confirmed"),
    ]
    back = take(live, minute(4, 12.0))
    assert sorted(told(back)) == [
        ("above", "bullish", "14:30", "confirmed"),
        ("turn", "bearish", "14:30", "invalidated"),
        ("turn", "bullish", "14:30", "confirmed"),
        ("turn", "bullish", "14:35", "invalidated"),
    ]


def test_a_correction_that_changes_a_value_is_the_next_version_and_one_that_does_not_is_no_news() -> None:
    live = market()
    take(live, *(minute(number, 12.0) for number in range(5)))
    [changed] = take(live, minute(4, 13.0)).alerts[:1]
    assert (changed.rule, changed.status, changed.price) == ("above", "confirmed", 13.0)
    corrected = take(live, minute(3, 12.0, volume=500.0))  # which no rule sees
    assert [bar[0] for bar in landed(corrected)] == ["5m", "1m"]
    assert corrected.alerts == []


def test_a_late_minute_makes_a_bar_that_was_missing() -> None:
    live = market()
    take(
        live,
        *(minute(number, 10.5) for number in range(5)),
        *(minute(number, 10.5) for number in range(10, 15)),
    )
    taken = take(live, minute(7, 12.0))
    assert told(taken) == [("above", "bullish", "14:35", "confirmed")]


def test_a_candle_of_an_earlier_session_is_landed_and_left_to_batch() -> None:
    live = market()
    take(live, *(minute(number, 10.5) for number in range(5)), minute(0, 10.0, NEXT))
    late = take(live, minute(3, 12.0))
    assert (landed(late), late.alerts) == ([("1m", "files", 3, 12.0, 4)], [])


def test_a_vendors_bar_of_a_longer_timeframe_corrects_the_derived_one() -> None:
    live = market()
    take(live, *(minute(number, 10.5) for number in range(5)))
    taken = take(live, minute(0, 12.0)._replace(timeframe="5m", source="yahoo"))
    assert landed(taken) == [("5m", "yahoo", 0, 12.0, 5)]
    assert [(each.rule, each.values["close"]) for each in taken.alerts] == [("above", 12.0), ("turn", 12.0)]
    [(symbol, difference)] = taken.differences
    assert (symbol, difference.vendor.close, difference.derived.close) == ("AAPL", 12.0, 10.5)


def test_the_clock_closes_what_ended_long_enough_ago_and_asks_once() -> None:
    live = market()
    take(live, minute(0, 12.0), minute(2, 12.0))
    end = OPEN + 5 * MINUTE
    assert live.due(end + GRACE - 1) == []
    assert live.due(end + GRACE) == [("AAPL", "5m", OPEN)]
    assert live.due(end + GRACE + 1) == []
    closed = live.close("AAPL", "5m", OPEN, NOW)
    assert landed(closed) == [("5m", "derived", 0, 12.0, 5)]
    assert len(closed.alerts) == 2
    assert live.close("AAPL", "5m", OPEN, NOW).alerts == []
    assert live.due(OPEN + 30 * MINUTE + GRACE) == [("AAPL", "30m", OPEN)]
    assert [bar[0] for bar in landed(live.close("AAPL", "30m", OPEN, NOW))] == ["15m", "30m"]


def test_a_suspect_candle_is_marked_with_its_reason_and_raises_nothing_until_five_bars_are_clean() -> None:
    live = market()
    calm = take(live, *(minute(number, 10.5) for number in range(30)))
    assert calm.suspicions == {}
    jump = take(live, minute(30, 105.0, open_=105.0))
    assert jump.suspicions == {("AAPL", "1m", OPEN + 30 * MINUTE): "step_10x"}
    assert jump.bars[-1][1].is_suspect
    rest = take(live, *(minute(number, 105.0 + number / 10, open_=105.0) for number in range(31, 66)))
    assert rest.suspicions == {}
    assert [when for rule, _, when, _ in told(rest) if rule == "above"] == ["15:25", "15:30"]


def test_the_verdict_on_a_candle_turns_with_the_one_that_comes_late_before_it() -> None:
    """A jump is judged from the candle before, so the candle after a late one is judged again."""
    live = market()
    take(live, *(minute(number, 10.5) for number in range(25)))
    jump = take(live, minute(26, 16.0, open_=16.0))
    assert set(jump.suspicions.values()) == {"jump"}
    turned = take(live, minute(25, 14.0, open_=14.0))
    assert turned.suspicions == {}
    minutes = [bar for _, bar, _ in turned.bars if bar.timeframe == "1m"]
    assert [((bar.ts - OPEN) // MINUTE, bar.is_suspect) for bar in minutes] == [(25, False), (26, False)]


def test_a_split_between_sessions_is_no_jump_and_levels_and_columns_follow_it() -> None:
    split = actions(splits=[(str(DAYS.sessions[FIRST + 1]), 2.0)])
    rules = parse_rules(
        "mean:\n  description: d\n  timeframes: [5m]\n  fires: every_bar\n  severity: info\n"
        "  bullish: close > sma_7\n"
    )
    live = LiveMarket(rules, {"AAPL": "XNYS"}, LIMITS, {"AAPL": split})
    take(live, *(minute(number, 10.5 + number / 100) for number in range(40)))
    after = take(live, *(minute(number, 5.6, NEXT, open_=5.2) for number in range(5)))
    assert after.suspicions == {}
    [alert] = after.alerts
    assert alert.values["sma_7"] == pytest.approx(
        (5.6 + sum((10.5 + n / 100) / 2 for n in range(14, 40, 5))) / 7
    )


def test_a_missing_split_is_suspect() -> None:
    split = actions(splits=[(str(DAYS.sessions[FIRST + 1]), 2.0)])
    live = LiveMarket(RULES, {"AAPL": "XNYS"}, LIMITS, {"AAPL": split})
    take(live, *(minute(number, 10.5) for number in range(40)))
    assert set(take(live, minute(0, 10.5, NEXT)).suspicions.values()) == {"split_missing"}


def test_symbols_can_be_added_and_do_not_disturb_each_other() -> None:
    alone, both = market(), market()
    both.add("7203", "XTKS")
    both.add("AAPL", "XTKS")  # it is there already
    tokyo = calendar("XTKS")
    shift = int(micros(tokyo.opens_at)[np.searchsorted(tokyo.sessions, np.datetime64("2019-01-04"))]) - OPEN
    candles = [minute(number, 12.0 - number / 10) for number in range(20)]
    expected = take(alone, *candles)
    mixed = [
        pair
        for candle in candles
        for pair in (("AAPL", candle), ("7203", candle._replace(ts=candle.ts + shift)))
    ]
    found = both.take(mixed, NOW)
    assert [each for each in found.alerts if each.symbol == "AAPL"] == expected.alerts
    assert len(found.alerts) == 2 * len(expected.alerts) > 0


def test_daily_bars_that_come_while_it_runs_count_from_the_next_bar_on() -> None:
    asking = parse_rules(
        """
trend:
  description: The last day rose.
  timeframes: [5m]
  fires: every_bar
  severity: info
  bullish: {all: [close > 11, "close > close[-1] on 1d"]}
"""
    )
    live = LiveMarket(asking, {"AAPL": "XNYS"}, LIMITS)
    assert told(take(live, *(minute(number, 12.0) for number in range(6)))) == []
    days = [str(day) for day in DAYS.sessions[FIRST - 3 : FIRST + 1]]
    live.know("AAPL", [daily_bars(days, [9.0, 10.0, 11.0, 5.0])], actions())
    # Today's own bar is there too, and closes only after this session.
    assert told(take(live, *(minute(number, 12.0) for number in range(6, 11)))) == [
        ("trend", "bullish", "14:35", "confirmed")
    ]
    live.know("AAPL", [daily_bars(days, [9.0, 12.0, 11.0, 15.0])], actions())
    assert told(take(live, *(minute(number, 12.0) for number in range(11, 16)))) == []
