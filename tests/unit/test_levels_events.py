"""What a bar does at a level: every event made by hand, around a support at 100 whose band is 99 to 101."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lake.levels.batch import Found, find
from lake.levels.flags import FLAGS, flags
from lake.levels.level import level_id
from lake.levels.tracker import RETEST_BARS
from lake.market.bars import Bars
from tests.levels import ATR, Planted, PlantedAbove, Shape, flat_atr, micros, named, shaped

FAR_ABOVE: Shape = (106, 104, 105)
ON_IT: Shape = (104, 100.5, 100.5)
BROKEN: Shape = (103, 98, 98.5)
FAR_BELOW: Shape = (97, 95, 96)
FROM_BELOW: Shape = (100, 96, 99.5)


def at_support(*shapes: Shape) -> tuple[Bars, Found]:
    """Return bars, of which the first plants the support, and what is found."""
    bars = shaped(FAR_ABOVE, *shapes)
    return bars, find(bars, flat_atr(bars), {"planted": Planted})


def mirrored(bars: Bars) -> Bars:
    """Return bars upside down around 100."""
    return replace(
        bars, open=200 - bars.open, close=200 - bars.close, high=200 - bars.low, low=200 - bars.high
    )


STORIES = {
    "touch, no bounce yet": ([ON_IT], [(1, "touch")]),
    "the edge of the band counts": ([(104, 101, 101.5)], [(1, "touch"), (1, "bounce")]),
    "just above the band": ([(104, 101.01, 102)], []),
    "still in the band is no second touch": ([ON_IT, ON_IT], [(1, "touch")]),
    "bounce on the touching bar": ([(104, 100.5, 103)], [(1, "touch"), (1, "bounce")]),
    "bounce on the third bar after": (
        [ON_IT, (101, 100, 100), (101, 100, 100), (103, 100, 102)],
        [(1, "touch"), (4, "bounce")],
    ),
    "too late on the fourth": (
        [ON_IT, (101, 100, 100), (101, 100, 100), (101, 100, 100), (103, 100, 102)],
        [(1, "touch")],
    ),
    "one bounce a touch": ([ON_IT, (103, 101, 102), (104, 102, 103)], [(1, "touch"), (2, "bounce")]),
    "touch again after leaving": (
        [ON_IT, FAR_ABOVE, ON_IT],
        [(1, "touch"), (2, "bounce"), (3, "touch")],
    ),
    "break through the band": ([BROKEN], [(1, "touch"), (1, "break")]),
    "a close at the band's edge breaks": ([(103, 98, 99)], [(1, "touch"), (1, "break")]),
    "a close inside the band does not": ([(103, 98, 99.01)], [(1, "touch")]),
    "break by a gap touches nothing": ([FAR_BELOW], [(1, "break")]),
    "no event at a level that broke, from its old side": (
        [FAR_BELOW, (106, 96, 105), FAR_ABOVE, ON_IT],
        [(1, "break"), (2, "retest")],
    ),
    "retest from below": ([FAR_BELOW, FROM_BELOW], [(1, "break"), (2, "retest")]),
    "the bar before has to be clear of the band": ([BROKEN, FROM_BELOW], [(1, "touch"), (1, "break")]),
    "role flip on the bar of the retest": (
        [FAR_BELOW, (99.5, 96, 97)],
        [(1, "break"), (2, "retest"), (2, "role_flip")],
    ),
    "role flip three bars later": (
        [FAR_BELOW, FROM_BELOW, FROM_BELOW, FROM_BELOW, (100, 96, 98)],
        [(1, "break"), (2, "retest"), (5, "role_flip")],
    ),
    "a close above the band ends the wait for a flip": (
        [FAR_BELOW, FROM_BELOW, (103, 99, 102), (101, 97, 98)],
        [(1, "break"), (2, "retest")],
    ),
    "a flipped level is touched, bounces and breaks as a resistance": (
        [FAR_BELOW, (99.5, 96, 97), FAR_BELOW, FROM_BELOW, FAR_BELOW, (103, 96, 102)],
        [
            (1, "break"),
            (2, "retest"),
            (2, "role_flip"),
            (4, "touch"),
            (5, "bounce"),
            (6, "touch"),
            (6, "break"),
        ],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_at_a_support_has_these_events(story: str) -> None:
    shapes, expected = STORIES[story]
    bars, found = at_support(*shapes)
    assert named(bars, found.events) == expected


@pytest.mark.parametrize("story", STORIES)
def test_a_resistance_mirrors_a_support(story: str) -> None:
    shapes, expected = STORIES[story]
    bars, support = at_support(*shapes)
    found = find(mirrored(bars), flat_atr(bars), {"planted": PlantedAbove})
    assert named(bars, found.events) == expected
    opposite = {"bullish": "bearish", "bearish": "bullish", "neutral": "neutral"}
    assert [each.side for each in found.events] == [opposite[each.side] for each in support.events]


def test_a_level_counts_from_the_bar_after_the_one_that_confirms_it() -> None:
    bars = shaped(ON_IT, FAR_ABOVE, ON_IT)
    found = find(bars, flat_atr(bars), {"planted": Planted})
    assert found.levels[0].confirmed_at == micros(bars.closes_at[0])
    assert named(bars, found.events) == [(2, "touch")]


@pytest.mark.parametrize(("waiting", "is_tested"), [(RETEST_BARS - 1, True), (RETEST_BARS, False)])
def test_a_broken_level_may_be_tested_for_twenty_bars(waiting: int, is_tested: bool) -> None:
    _, found = at_support(*[FAR_BELOW] * (1 + waiting), FROM_BELOW)
    assert [each.event for each in found.events] == (["break", "retest"] if is_tested else ["break"])
    assert found.levels[0].outcome == "broken"


def test_sides_say_what_an_event_speaks_for() -> None:
    _, held = at_support((104, 100.5, 103))
    _, flipped = at_support(FAR_BELOW, (99.5, 96, 97))
    assert [(each.event, each.side) for each in held.events] == [("touch", "neutral"), ("bounce", "bullish")]
    assert [(each.event, each.side, each.kind) for each in flipped.events] == [
        ("break", "bearish", "support"),
        ("retest", "neutral", "support"),
        ("role_flip", "bearish", "support"),
    ]


def test_a_certificate_tells_the_history_of_its_events() -> None:
    bars, found = at_support(ON_IT, FAR_ABOVE, FAR_BELOW, (99.5, 96, 97))
    [level] = found.levels
    close = [micros(moment) for moment in bars.closes_at]
    assert (level.kind_at_birth, level.kind, level.outcome) == ("support", "resistance", "active")
    assert (level.touches, level.last_touch_at, level.role_flips, level.broken_at) == (2, close[4], 1, None)
    assert level.strength_at(4) == pytest.approx(0.5 ** (3 / 50) + 1)
    assert level.strength_at(54) == pytest.approx((0.5 ** (3 / 50) + 1) / 2)


def test_a_broken_certificate_says_when() -> None:
    bars, found = at_support(BROKEN)
    [level] = found.levels
    assert (level.broken_at, level.outcome) == (micros(bars.closes_at[1]), "broken")


def test_the_id_is_that_of_its_birth_and_knows_no_price() -> None:
    bars, found = at_support(FAR_BELOW, (99.5, 96, 97))
    expected = level_id("planted", "support", "AAPL", "1d", micros(bars.ts[0]), "planted")
    assert {each.level_id for each in found.events} == {found.levels[0].level_id} == {expected}
    # sha256 of `planted␟support␟AAPL␟1d␟2024-01-02T00:00:00Z␟planted`
    assert expected == "582696c4d501668b0ff833117634b11154e90d2cb519773924a48a75607c851e"


def test_there_are_no_events_without_a_tolerance() -> None:
    bars = shaped(FAR_ABOVE, BROKEN)
    for atr in (np.nan, 0.0):
        assert find(bars, np.full(2, atr), {"planted": Planted}).events == []
    assert len(find(bars, np.full(2, ATR), {"planted": Planted}).events) == 2


def test_an_incomplete_bar_is_passed_over() -> None:
    bars = shaped(FAR_ABOVE, BROKEN)
    open_bar = replace(bars, is_complete=np.array([True, False]))
    assert find(open_bar, flat_atr(bars), {"planted": Planted}).events == []


def test_events_are_flags_on_their_bars() -> None:
    bars, found = at_support(ON_IT, FAR_ABOVE, FAR_BELOW)
    by_name = flags(found.events, bars.ts)
    assert tuple(by_name) == FLAGS and len(FLAGS) == 10
    assert {name: np.flatnonzero(on).tolist() for name, on in by_name.items() if on.any()} == {
        "support_touch": [1],
        "support_bounce": [2],
        "support_break": [3],
    }
    assert not any(on.any() for on in flags(found.events, bars.ts[:1]).values())
