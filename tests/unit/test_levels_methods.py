"""Every method on a history made by hand: its levels, what formed them, and the bar that confirmed them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lake.errors import BadConfiguration
from lake.levels import registry
from lake.levels.batch import find
from lake.levels.histogram import Bin, bin_width, histogram
from lake.levels.methods.volume_profile import WINDOW_BARS, peaks, profile
from lake.levels.registry import BUILT_IN, methods
from tests.levels import ATR, Shape, found_by, micros, rows_of, shaped

VALLEY: list[Shape] = [(14, 12, 13), (13, 11, 12), (12, 10, 11), (13, 10, 12), (14, 11, 13)]
"""A swing low of 10 at bar 2, confirmed by the close of bar 4; bar 3 equals it."""

PEAK: list[Shape] = [(14, 12, 13), (15, 13, 14), (16, 14, 15), (16, 13, 14), (15, 12, 13)]
"""A swing high of 16 at bar 2, confirmed by the close of bar 4; bar 3 equals it."""


def test_a_fractal_low_is_a_support_two_bars_later() -> None:
    bars = shaped(*VALLEY)
    found = found_by(bars, "fractal")
    assert rows_of(bars, found.levels) == [("swing", "support", 10.0, 2, 4)]
    assert found_by(bars[:4], "fractal").levels == []


def test_a_fractal_high_is_a_resistance_two_bars_later() -> None:
    bars = shaped(*PEAK)
    assert rows_of(bars, found_by(bars, "fractal").levels) == [("swing", "resistance", 16.0, 2, 4)]


def test_a_low_equal_to_the_bar_before_is_no_swing() -> None:
    bars = shaped(*VALLEY[:1], (13, 10, 12), *VALLEY[2:])
    assert rows_of(bars, found_by(bars, "fractal").levels) == []


def test_one_bar_may_be_a_swing_low_and_a_swing_high() -> None:
    quiet: Shape = (13, 12, 12.5)
    bars = shaped(quiet, quiet, (16, 10, 12), quiet, quiet)
    assert rows_of(bars, found_by(bars, "fractal").levels) == [
        ("swing", "support", 10.0, 2, 4),
        ("swing", "resistance", 16.0, 2, 4),
    ]


def test_swings_at_the_edges_of_windows_are_found_where_a_tumbling_window_misses_them() -> None:
    """Lows at bars 5, 14 and 24: a window of 15 bars that tumbles cannot confirm the one at its edge."""
    lows = [20.0] * 30
    for bar in (5, 14, 24):
        lows[bar - 1 : bar + 2] = [18.0, 17.0, 18.0]
    bars = shaped(*((low + 2, low, low + 1) for low in lows))
    assert [row[3] for row in rows_of(bars, _supports(found_by(bars, "fractal").levels))] == [5, 14, 24]
    windows = [found_by(bars[start : start + 15], "fractal") for start in (0, 15)]
    assert sum(len(_supports(window.levels)) for window in windows) == 2


def _supports(levels):  # type: ignore[no-untyped-def]
    return [level for level in levels if level.kind_at_birth == "support"]


WEEK: list[Shape] = [(110, 100, 105), (112, 104, 108), (111, 103, 106), (109, 102, 104)]
"""Tuesday 2 January 2024 to Friday: high 112, low 100, close 104."""


def test_weekly_pivots_are_known_when_the_next_week_starts() -> None:
    bars = shaped(*WEEK, (108, 104, 107), (109, 105, 108))
    found = found_by(bars, "pivot")
    middle = (112 + 100 + 104) / 3
    assert rows_of(bars, found.levels) == [
        ("week_P", "resistance", pytest.approx(middle), 3, -4),
        ("week_R1", "resistance", pytest.approx(2 * middle - 100), 3, -4),
        ("week_R2", "resistance", pytest.approx(middle + 12), 3, -4),
        ("week_R3", "resistance", pytest.approx(112 + 2 * (middle - 100)), 3, -4),
        ("week_S1", "support", pytest.approx(2 * middle - 112), 3, -4),
        ("week_S2", "support", pytest.approx(middle - 12), 3, -4),
        ("week_S3", "support", pytest.approx(100 - 2 * (112 - middle)), 3, -4),
    ]
    assert found_by(bars[:4], "pivot").levels == []


def test_pivots_live_until_the_next_weeks() -> None:
    bars = shaped(*WEEK, *[(108.0, 104.0, 107.0)] * 5, (109, 105, 108))
    outcomes = [level.outcome for level in found_by(bars, "pivot").levels]
    assert set(outcomes[:7]) <= {"replaced", "broken"} and "replaced" in outcomes[:7]
    assert set(outcomes[7:]) == {"active"}


def test_intraday_pivots_take_the_previous_session_and_count_on_its_successors_first_bar() -> None:
    bars = intraday([(110, 100, 105), (112, 104, 110)], [(114, 109, 111), (114, 108, 109)])
    found = found_by(bars, "pivot")
    middle = (112 + 100 + 110) / 3
    assert rows_of(bars, found.levels)[:2] == [
        ("P", "support", pytest.approx(middle), 1, -2),
        ("R1", "resistance", pytest.approx(2 * middle - 100), 1, -2),
    ]
    assert len(found.levels) == 7
    assert min(event.ts for event in found.events) == micros(bars.ts[2])


def intraday(*days: list[Shape]):  # type: ignore[no-untyped-def]
    """Return 15-minute bars of successive sessions from 2 January 2024 on."""
    bars = shaped(*(shape for day in days for shape in day))
    day = np.repeat(np.arange(len(days)), [len(shapes) for shapes in days])
    bar = np.concatenate([np.arange(len(shapes)) for shapes in days])
    session = np.datetime64("2024-01-02") + day
    ts = session.astype("datetime64[us]") + np.timedelta64(870, "m") + 15 * bar.astype("timedelta64[m]")
    return replace(bars, timeframe="15m", ts=ts, closes_at=ts + np.timedelta64(15, "m"), session=session)


def test_a_pivot_at_or_below_zero_is_no_level() -> None:
    bars = shaped((110, 1, 5), (109, 1, 5), (108, 1, 4), (109, 1, 5), (108, 4, 7))
    assert "week_S2" not in {level.name for level in found_by(bars, "pivot").levels}


LEG: list[Shape] = [
    *VALLEY,  # low of 10 at bar 2
    (17, 13, 16),
    (20, 15, 19),  # high of 20 at bar 6, confirmed at bar 8
    (19, 15, 16),
    (18, 14, 15),
]


def test_fibonacci_retraces_the_leg_to_the_last_confirmed_swing() -> None:
    bars = shaped(*LEG)
    levels = found_by(bars, "fibonacci").levels
    assert rows_of(bars, levels) == [
        ("23.6", "resistance", pytest.approx(17.64), 6, 8),
        ("38.2", "resistance", pytest.approx(16.18), 6, 8),
        ("50.0", "support", pytest.approx(15.0), 6, 8),
        ("61.8", "support", pytest.approx(13.82), 6, 8),
        ("78.6", "support", pytest.approx(12.14), 6, 8),
    ]
    assert found_by(bars[:8], "fibonacci").levels == []


def test_the_next_leg_replaces_the_retracements() -> None:
    bars = shaped(*LEG, (16, 12, 13), (17, 14, 15), (18, 15, 17))
    levels = found_by(bars, "fibonacci").levels
    assert [(level.name, level.formed_at) for level in levels[5:]] == [
        (name, micros(bars.ts[9])) for name in ("23.6", "38.2", "50.0", "61.8", "78.6")
    ]
    assert levels[5].price == pytest.approx(12 + 0.236 * 8)
    assert {level.outcome for level in levels[:5]} <= {"replaced", "broken"}


TWO_LOWS: list[Shape] = [*VALLEY, (15, 13, 14), (14, 12, 13), (13, 10.5, 12), (14, 11, 13), (15, 12, 14)]
"""Swing lows of 10 and 10.5, confirmed at bars 4 and 9."""


def test_two_swings_within_the_tolerance_make_a_zone_when_the_second_is_confirmed() -> None:
    bars = shaped(*TWO_LOWS)
    found = found_by(bars, "cluster")
    assert rows_of(bars, found.levels) == [("low", "support", 10.25, 7, 9)]
    assert found.levels[0].strength_at(9) == pytest.approx(0.5 ** (7 / 50) + 0.5 ** (2 / 50))
    assert found_by(bars[:9], "cluster").levels == []


def test_swings_farther_apart_make_no_zone() -> None:
    bars = shaped(*TWO_LOWS)
    third = {"cluster": methods()["cluster"]}
    assert find(bars, np.full(len(bars), 1.9), third).levels == []
    assert len(find(bars, np.full(len(bars), 2.0), third).levels) == 1


def test_a_third_swing_joins_the_zone_and_makes_none() -> None:
    bars = shaped(*TWO_LOWS, (15, 13, 14), (14, 12, 13), (13, 10.8, 12), (14, 11, 13), (15, 12, 14))
    lows = [row for row in rows_of(bars, found_by(bars, "cluster").levels) if row[0] == "low"]
    assert lows == [("low", "support", 10.25, 7, 9)]


def test_a_volume_node_is_known_when_the_period_after_its_window_starts() -> None:
    """Half of the volume was traded between 100 and 101, in a range from 90 to 140."""
    shapes: list[Shape] = (
        [(140, 90, 110)] * 60 + [(101, 100, 101)] * (WINDOW_BARS - 60) + [(140, 90, 110)] * 10
    )
    bars = shaped(*shapes)
    found = found_by(bars, "volume_profile")
    [first, *later] = rows_of(bars, found.levels)
    name, kind, price, formed, confirmed = first
    assert (name, kind, price) == ("10", "support", pytest.approx(100.5))
    week_starts = [
        bar
        for bar in range(WINDOW_BARS, len(bars))
        if bars.session[bar] - bars.session[bar - 1] > np.timedelta64(1, "D")
    ]
    assert (formed, confirmed) == (week_starts[0] - 1, -week_starts[0])
    assert later == []
    assert found_by(bars[: week_starts[0]], "volume_profile").levels == []


def test_volume_is_spread_evenly_over_a_bars_range() -> None:
    edges = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    volume = profile(np.array([4.0, 2.0]), np.array([0.0, 1.0]), np.array([8.0, 5.0]), edges)
    np.testing.assert_allclose(volume, [2.0, 7.0, 2.0, 2.0])


def test_a_bar_without_range_counts_in_its_bin() -> None:
    edges = np.array([0.0, 1.0, 2.0])
    volume = profile(np.array([2.0, 1.5]), np.array([0.0, 1.5]), np.array([2.0, 3.0]), edges)
    np.testing.assert_allclose(volume, [1.0, 4.0])
    assert profile(np.array([5.0]), np.array([5.0]), np.array([1.0]), np.full(3, 5.0)).sum() == 0


def test_a_node_exceeds_the_mean_and_its_neighbours_and_the_first_of_equals_counts() -> None:
    assert peaks(np.array([1.0, 1, 5, 5, 1, 1, 1, 4, 1, 1, 1, 1])) == [2, 7]
    assert peaks(np.array([2.0, 2, 2, 2])) == []
    assert peaks(np.zeros(4)) == []


def test_a_histogram_counts_levels_in_whole_steps_of_price() -> None:
    prices, strengths = np.array([100.05, 100.0, 100.1, 103.0]), np.array([1.0, 2.0, 4.0, 0.5])
    assert histogram(prices, strengths, 0.1) == [
        Bin(pytest.approx(100.0), pytest.approx(100.1), 2, 3.0),
        Bin(pytest.approx(100.1), pytest.approx(100.2), 1, 4.0),
        Bin(pytest.approx(103.0), pytest.approx(103.1), 1, 0.5),
    ]
    assert histogram(np.array([]), np.array([]), 0.1) == []


def test_a_bin_is_a_thousandth_of_the_price_in_whole_ticks() -> None:
    assert bin_width(250.0) == pytest.approx(0.25)
    assert bin_width(256.0, tick=0.05) == pytest.approx(0.25)
    assert bin_width(3.0, tick=0.01) == pytest.approx(0.01)


def test_at_most_fifty_levels_of_a_kind_are_active() -> None:
    """Sixty swing lows, each higher than the one before, none ever broken."""
    shapes: list[Shape] = []
    for number in range(60):
        floor = 100.0 + number
        shapes += [
            (floor + 9, floor + 5, floor + 8),
            (floor + 8, floor, floor + 7),
            (floor + 9, floor + 5, floor + 8),
        ]
    bars = shaped(*shapes, *[(170.0, 166.0, 168.0)] * 3)
    lows = _supports(found_by(bars, "fractal").levels)
    assert len(lows) > 50
    assert [level.outcome for level in lows] == ["crowded_out"] * (len(lows) - 50) + ["active"] * 50


def test_the_built_in_methods_come_first_and_by_their_names() -> None:
    assert tuple(methods())[: len(BUILT_IN)] == BUILT_IN
    assert all(name == method.method for name, method in methods().items())


CUSTOM = """
from dataclasses import dataclass
from typing import ClassVar

from lake.levels.level import Birth
from lake.levels.method import Method


@dataclass(slots=True)
class RoundNumber(Method):
    method: ClassVar[str] = "round_number"
    last: float | None = None

    def closes(self, bar, swings):
        price = round(bar.close, -1)
        is_new, self.last = price != self.last, price
        return [Birth("support", price, bar.ts, "round")] if is_new else []
"""


def test_one_file_is_a_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "round_number.py").write_text(CUSTOM)
    monkeypatch.setattr(registry.package, "__path__", [*registry.package.__path__, str(tmp_path)])
    chosen = methods.__wrapped__()
    assert tuple(chosen) == (*BUILT_IN, "round_number")
    bars = shaped((101, 99, 100), (102, 100, 101), (112, 100, 110))
    levels = find(bars, np.full(3, ATR), {"round_number": chosen["round_number"]}).levels
    assert rows_of(bars, levels) == [("round", "support", 100.0, 0, 0), ("round", "support", 110.0, 2, 2)]
    sys.modules.pop("lake.levels.methods.round_number")


def test_a_module_without_its_method_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "import_module", lambda name: registry)
    with pytest.raises(BadConfiguration, match=r"methods/mine.py: expected one Method with method = 'mine'"):
        registry._method_of("mine")
