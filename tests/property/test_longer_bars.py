"""Longer bars: an old bucket never moves, whatever days come before or after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.market.bars import VALUES, Bars
from lake.market.resample import resampled
from lake.market.sessions import calendar
from lake.market.timeframes import DAILY_AND_LONGER
from tests.builders import actions, daily_bars

NEW_YORK = calendar("XNYS")
COLUMNS = ("ts", "closes_at", "session", *VALUES, "is_complete", "is_suspect")


@st.composite
def histories(draw: st.DrawFn) -> Bars:
    """Return some weeks of days, of which a few are missing."""
    start = draw(st.integers(0, len(NEW_YORK.sessions) - 200))
    count = draw(st.integers(2, 120))
    days = NEW_YORK.sessions[start : start + count]
    held = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    kept = np.flatnonzero(held | (np.arange(count) % 3 > 0))
    chance = np.random.default_rng(draw(st.integers(0, 1_000)))
    close = np.round(50 * np.exp(np.cumsum(chance.normal(0, 0.03, count))), 4)
    bars = daily_bars(days.astype(str).tolist(), close, open=close * 0.99, high=close * 1.02, low=close * 0.9)
    return replace(bars, is_suspect=chance.random(count) < 0.05)[kept]


@settings(max_examples=150)
@given(histories(), st.sampled_from(DAILY_AND_LONGER[1:]), st.data())
def test_buckets_of_a_part_of_a_history_are_those_of_the_whole(
    bars: Bars, timeframe: str, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(bars) - 1))
    last = data.draw(st.integers(first + 1, len(bars)))
    days = bars.session.astype(str).tolist()
    split_days = data.draw(st.lists(st.sampled_from(days), max_size=3, unique=True))
    events = actions(splits=[(day, 2.0) for day in sorted(split_days)])
    whole = resampled(bars, events, timeframe, NEW_YORK)
    part = resampled(bars[first:last], events, timeframe, NEW_YORK)
    # Every bucket of the part is one of the whole: none starts elsewhere.
    assert np.isin(part.ts, whole.ts).all()
    # One that is complete, and whose first day the part has, is the same bar in every column.
    opened = bars.ts[first - 1] < part.ts if first else np.ones(len(part), dtype=bool)
    settled = part[part.is_complete & opened]
    twin = whole[np.searchsorted(whole.ts, settled.ts)]
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(settled, name), getattr(twin, name), err_msg=name)


@settings(max_examples=100)
@given(histories(), st.sampled_from(DAILY_AND_LONGER[1:]))
def test_only_the_last_bucket_may_be_incomplete_and_it_is_until_its_last_session(
    bars: Bars, timeframe: str
) -> None:
    made = resampled(bars, actions(), timeframe, NEW_YORK)
    assert made.is_complete[:-1].all()
    assert bool(made.is_complete[-1]) == (made.closes_at[-1] <= bars.closes_at[-1])
    assert (made.closes_at[:-1] <= made.ts[1:]).all()
