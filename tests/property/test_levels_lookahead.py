"""No level looks ahead: a prefix, a stored state and a split in the middle give what the whole gives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.features.kernel import compute
from lake.levels import active
from lake.levels.batch import Found, bars_of
from lake.levels.compare import differences
from lake.levels.level import Birth, Event, Level
from lake.levels.live import LiveLevels
from lake.levels.method import Bar, Method, Swing
from lake.levels.registry import BUILT_IN, methods
from lake.market.adjust import adjusted
from lake.market.bars import Actions, Bars
from lake.market.resample import resampled
from lake.market.sessions import calendar
from tests.levels import find_all, micros
from tests.market import RAW, real_daily, split_adjusted
from tests.market import bars_of as read_bars

INTRADAY = {
    "5m/google_AAPL_2016-04_05": "AAPL",
    "5m/eqker_2019-02": "MU",
    "15m_vendor/eqker_2019-01_02": "AAPL",
}


def real_intraday(folder: Path, name: str) -> Bars:
    """Return a real intraday series; its sessions are its UTC days, as New York's are."""
    rows = pyarrow.parquet.read_table(folder / "intraday" / f"{name}.parquet")
    rows = rows.filter(pyarrow.compute.equal(rows["symbol"], INTRADAY[name])).sort_by("ts")
    timeframe = name.split("m")[0] + "m"
    bars = read_bars(INTRADAY[name], timeframe, rows.to_pydict())
    return replace(bars, closes_at=bars.ts + np.timedelta64(int(timeframe[:-1]), "m"))


def cuts(bars: Bars, count: int) -> list[int]:
    """Return lengths of prefixes: the shortest, the longest, and some between."""
    return sorted({1, len(bars) - 1, *np.random.default_rng(3).integers(2, len(bars), count).tolist()})


def assert_prefixes_agree(bars: Bars, whole: Found, lengths: Sequence[int]) -> None:
    """Assert that prefixes of these lengths give the levels and events of the whole up to their end."""
    for length in lengths:
        assert differences(find_all(bars[:length]), whole, micros(bars.closes_at[length - 1])) == []


@pytest.mark.parametrize("symbol", ["AAPL", "CAT", "SPY"])
@pytest.mark.parametrize("timeframe", ["1d", "1wk", "3d"])
def test_a_prefix_of_real_daily_and_longer_bars_gives_what_the_whole_gives(
    shared_data: Path, symbol: str, timeframe: str
) -> None:
    bars = split_adjusted(shared_data, symbol)
    days = calendar("XNYS")
    bars = bars[days.ordinals(bars.session) >= 0][-2000:]
    if timeframe != "1d":
        bars = resampled(bars, Actions.none(), timeframe, days)
    whole = find_all(bars[bars.is_complete])
    expected = set(BUILT_IN) - (set() if timeframe == "1d" else {"pivot"})
    assert {level.method for level in whole.levels} >= expected
    assert set(Counter(event.event for event in whole.events)) == {
        "touch", "bounce", "break", "retest", "role_flip"
    }  # fmt: skip
    assert_prefixes_agree(bars[bars.is_complete], whole, cuts(bars[bars.is_complete], 6))


@pytest.mark.parametrize("name", INTRADAY)
def test_a_prefix_of_real_intraday_bars_gives_what_the_whole_gives(shared_data: Path, name: str) -> None:
    bars = real_intraday(shared_data, name)
    whole = find_all(bars)
    assert {level.method for level in whole.levels} == set(BUILT_IN)
    assert len({level.level_id for level in whole.levels}) == len(whole.levels)
    assert_prefixes_agree(bars, whole, cuts(bars, 25))


def walk(seed: int, count: int, ticks: int) -> Bars:
    """Return a random walk in whole ticks, so that equal prices are common, with flat bars and gaps."""
    rng = np.random.default_rng(seed)
    close = 500.0 + np.cumsum(rng.integers(-ticks, ticks + 1, count))
    open_ = close + rng.integers(-ticks, ticks + 1, count)
    high = np.maximum(open_, close) + rng.integers(0, ticks + 1, count)
    low = np.minimum(open_, close) - rng.integers(0, ticks + 1, count)
    ts = np.datetime64("2020-01-06T14:30", "us") + np.cumsum(rng.integers(1, 4, count)) * np.timedelta64(
        15, "m"
    )
    return Bars(
        symbol="WALK",
        timeframe="15m",
        ts=ts,
        closes_at=ts + np.timedelta64(15, "m"),
        session=ts.astype("datetime64[D]"),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=rng.integers(0, 1000, count).astype(float),
        is_complete=np.ones(count, dtype=bool),
        is_suspect=np.zeros(count, dtype=bool),
    )


walks = st.builds(walk, st.integers(0, 2**32 - 1), st.integers(40, 400), st.sampled_from([1, 2, 8]))


@settings(max_examples=40, deadline=None)
@given(walks, st.floats(0, 1))
def test_any_prefix_of_any_walk_gives_what_the_whole_gives(bars: Bars, where: float) -> None:
    length = 1 + int(where * (len(bars) - 1))
    assert_prefixes_agree(bars, find_all(bars), [length])


@settings(max_examples=25, deadline=None)
@given(walks, st.floats(0, 1), st.sampled_from([1, 2, 3, 7]))
def test_few_places_for_active_levels_change_nothing_of_that(bars: Bars, where: float, places: int) -> None:
    """Levels that flip, break and push each other out on one bar."""
    length = 1 + int(where * (len(bars) - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(active, "MOST", places)
        whole = find_all(bars)
        assert_prefixes_agree(bars, whole, [length])
    left = Counter((level.method, level.kind) for level in whole.live.levels())
    assert all(count <= places for count in left.values())


@settings(max_examples=40, deadline=None)
@given(walks, st.floats(0, 1))
def test_a_state_stored_as_json_goes_on_as_if_never_stopped(bars: Bars, where: float) -> None:
    cut = int(where * len(bars))
    atr = compute(bars, ["atr_14"])["atr_14"]
    whole = LiveLevels(bars.symbol, bars.timeframe)
    stopped = LiveLevels(bars.symbol, bars.timeframe)
    for number, bar in enumerate(bars_of(bars, atr)):
        if number == cut:
            stopped = LiveLevels.restore(json.loads(json.dumps(stopped.state())))
        assert described(stopped, stopped.push(bar).events) == described(whole, whole.push(bar).events)
    assert stopped.state() == whole.state()


def described(live: LiveLevels, events: list[Event]) -> object:
    """Return events and active certificates in a form that compares."""
    return events, [(each.level_id, each.price, each.kind, each.touches) for each in live.levels()]


@settings(max_examples=40, deadline=None)
@given(walks, st.floats(0.1, 0.9), st.sampled_from([2.0, 3.0, 1.5, 7.0, 0.1]))
def test_a_state_rescaled_at_a_split_goes_on_like_the_adjusted_history(
    bars: Bars, where: float, ratio: float
) -> None:
    cut = max(int(where * len(bars)), 1)
    split_basis = bars.rescaled(np.full(len(bars), ratio))
    whole = find_all(split_basis)
    before = find_all(bars[:cut])
    events, levels = [*before.events], [*before.levels]
    before.live.rescale(ratio)
    for bar in list(bars_of(split_basis, compute(split_basis, ["atr_14"])["atr_14"]))[cut:]:
        born, made = before.live.push(bar)
        levels, events = levels + born, events + made
    assert_same_identity(levels, events, before, whole)


def assert_same_identity(levels: list[Level], events: list[Event], live: Found, whole: Found) -> None:
    """Assert that levels, events and active prices of a rescaled run are those of the whole."""
    for level in levels:
        live.live.identify(level)
    assert [level.level_id for level in levels] == [level.level_id for level in whole.levels]
    assert [(e.level_id, e.event, e.ts) for e in events] == [
        (e.level_id, e.event, e.ts) for e in whole.events
    ]
    mine, theirs = live.live.levels(), whole.live.levels()
    assert [level.level_id for level in mine] == [level.level_id for level in theirs]
    np.testing.assert_allclose([each.price for each in mine], [each.price for each in theirs], rtol=1e-12)


@pytest.mark.parametrize("symbol", [symbol for symbol in RAW if symbol != "IBM"])  # IBM did not split
def test_a_prefix_as_it_stood_before_a_real_split_agrees_up_to_the_ratio(
    shared_data: Path, symbol: str
) -> None:
    daily, actions = real_daily(shared_data, symbol)
    ex_date, ratio = actions.split_dates[-1], float(actions.split_ratios[-1])
    cut = int(np.searchsorted(daily.session, ex_date))
    start, stop = max(cut - 1500, 0), cut + 300
    then = adjusted(daily[start:cut], actions, "split")
    now = adjusted(daily[start:stop], actions, "split")
    found = find_all(then)
    assert differences(found, find_all(now), micros(then.closes_at[-1]), split_ratio=ratio) == []
    assert found.events


class Tape:
    """Bars that a cheat has come by."""

    rows: list[Bar] = []


@dataclass(slots=True)
class Peeking(Method):
    """A fractal that knows the two bars after a swing, and so has the level at the swing's own close."""

    method: ClassVar[str] = "peeking"
    lows: list[float] | None = None

    def closes(self, bar: Bar, swings: Sequence[Swing]) -> Sequence[Birth]:
        """Return the swing low that later bars will confirm."""
        self.lows = [*(self.lows or [])[-2:], bar.low]
        after = [later.low for later in Tape.rows if later.ts > bar.ts][:2]
        is_swing = len(self.lows) == 3 and len(after) == 2 and bar.low < min(self.lows[:2])
        return [Birth("support", bar.low, bar.ts, "swing")] if is_swing and bar.low <= min(after) else []


def test_a_level_used_before_its_confirmation_is_caught_and_named() -> None:
    bars = walk(5, 60, 8)
    chosen = {**methods(), "peeking": Peeking}

    def found(part: Bars) -> Found:
        Tape.rows = list(bars_of(part, np.full(len(part), 8.0)))
        return find_all(part, chosen)

    whole = found(bars)
    caught = [
        line
        for length in range(20, len(bars))
        for line in differences(found(bars[:length]), whole, micros(bars.closes_at[length - 1]))
    ]
    assert any(line.startswith("peeking: level") and "missing from the prefix" in line for line in caught)
    assert not any(line.split(":")[0] in BUILT_IN and ": level" in line for line in caught)
