"""Best timeframe, and buy, hold or sell, on numbers made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lake.features.standing import FIT_BARS, Standing, best_timeframe, stance, standing

NAN = math.nan
UP = Standing(110, 105, 100, 1)
DOWN = Standing(90, 105, 100, 1)
BETWEEN = Standing(102, 105, 100, 1)
"""Below the short average, above the long one: that is below either."""
AT = Standing(105, 105, 100, 1)
YOUNG = Standing(110, 105, NAN, 1)


def test_the_shortfall_sums_what_the_last_60_closes_lay_below_the_average() -> None:
    average = np.full(FIT_BARS + 5, 10.0)
    close = np.full(FIT_BARS + 5, 12.0)
    close[[2, 10, 20]] = 4, 9, 7  # the first lies too far back, what lies above does not count against it
    found = standing(close, average, average)
    assert found is not None and found.shortfall == pytest.approx(1 + 3)


@pytest.mark.parametrize("bars", [FIT_BARS - 1, FIT_BARS])
def test_the_shortfall_needs_60_bars_that_have_the_average(bars: int) -> None:
    average = np.concatenate([np.full(12, NAN), np.full(bars, 10.0)])
    found = standing(np.full(len(average), 9.0), average, average)
    assert found is not None
    assert found.shortfall == FIT_BARS if bars == FIT_BARS else math.isnan(found.shortfall)


def test_a_symbol_without_bars_stands_nowhere() -> None:
    assert standing(*[np.empty(0)] * 3) is None
    assert best_timeframe({}) is None and stance({}) is None


@pytest.mark.parametrize(
    ("shortfalls", "best"),
    [
        ({"1d": 5.0, "3d": 2.0, "13d": 3.0}, "3d"),
        ({"2d": 2.0, "10d": 2.0, "1d": 2.0}, "1d"),  # of equal ones the shortest, by sessions, not by name
        ({"10d": 2.0, "9d": 2.0}, "9d"),
        ({"1d": 5.0, "13d": NAN}, "1d"),
        ({"1d": NAN}, None),
        ({"1wk": 0.0, "1d": 5.0}, "1d"),  # weeks are no N-day bars
    ],
)
def test_the_best_timeframe_has_the_smallest_shortfall(
    shortfalls: dict[str, float], best: str | None
) -> None:
    assert best_timeframe({name: Standing(1, 1, 1, value) for name, value in shortfalls.items()}) == best


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ({"1d": UP, "3d": UP, "6d": UP, "13d": UP}, "buy"),
        ({"1d": UP, "3d": UP, "6d": YOUNG, "13d": YOUNG}, "buy"),  # on every one that has enough history
        ({"1d": UP}, "buy"),
        ({"1d": UP, "2d": DOWN}, "buy"),  # two days are not asked
        ({"1d": DOWN, "3d": UP, "6d": UP, "13d": UP}, "sell"),
        ({"1d": BETWEEN, "3d": UP}, "sell"),
        ({"1d": UP, "3d": BETWEEN, "6d": UP, "13d": UP}, "sell"),
        ({"1d": UP, "3d": UP, "6d": DOWN, "13d": UP}, "hold"),  # six days do not sell, but do not let buy
        ({"1d": UP, "3d": UP, "6d": UP, "13d": DOWN}, "hold"),
        ({"1d": AT, "3d": UP, "6d": UP, "13d": UP}, "hold"),  # at an average is neither above nor below
        ({"1d": YOUNG, "3d": YOUNG}, None),
        ({"3d": UP, "6d": UP}, None),
    ],
)
def test_buy_hold_and_sell(standings: dict[str, Standing], expected: str | None) -> None:
    assert stance(standings) == expected


def test_values_within_rounding_are_equal() -> None:
    near = Standing(105 * (1 + 5e-10), 105, 100, 1)
    assert not near.is_above and not near.is_below
    assert Standing(105 * (1 + 5e-9), 105, 100, 1).is_above
