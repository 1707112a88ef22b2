"""Strict candle patterns on bars made by hand: each formula, each of its limits, and 1e-9 around them."""

from __future__ import annotations

import numpy as np
import pytest

from lake.features.kernel import compute
from tests.builders import daily_bars, sessions

Bar = tuple[float, float, float, float]
"""Open, high, low, close."""

EPS = 1e-9 * 100
"""What counts as equal near a price of 100."""


def has(pattern: str, *bars: Bar) -> bool:
    """Return whether the last of some bars completes a pattern."""
    open_, high, low, close = zip(*bars, strict=True)
    days = sessions("2012-01-03", len(bars))
    found = compute(daily_bars(days, close, open=open_, high=high, low=low), [pattern])[pattern]
    assert found.dtype == np.int8
    return bool(found[-1])


def mirrored(bar: Bar) -> Bar:
    """Return a bar upside down around 100."""
    open_, high, low, close = (200 - price for price in bar)
    return open_, low, high, close


HAMMER = (108.0, 110.0, 100.0, 109.0)


@pytest.mark.parametrize("bar", [HAMMER, (109, 110, 100, 108), (110, 110, 100, 110), (107, 110, 100, 110)])
def test_hammers(bar: Bar) -> None:
    assert has("hammer", bar)
    assert has("inverted_hammer", mirrored(bar))
    assert not has("inverted_hammer", bar)
    assert not has("hammer", mirrored(bar))


@pytest.mark.parametrize(
    ("at_the_limit", "beyond"),
    [
        # Body of 0.3 of the range; there the lower shadow is at its own limit of 0.7 too.
        ((107, 110, 100, 110), (107 - 3 * EPS, 110, 100, 110)),
        # Lower shadow of 0.7.
        ((107, 110, 100, 109), (107 - 3 * EPS, 110, 100, 109)),
        # Upper shadow of 0.1.
        ((108, 110, 100, 109), (108, 110, 100, 109 - 3 * EPS)),
    ],
)
def test_the_limits_of_hammers(at_the_limit: Bar, beyond: Bar) -> None:
    assert has("hammer", at_the_limit)
    assert not has("hammer", beyond)
    assert has("inverted_hammer", mirrored(at_the_limit))
    assert not has("inverted_hammer", mirrored(beyond))


def test_a_limit_counts_as_met_within_1e_9_of_the_price() -> None:
    open_, high, low, close = 107.0, 110.0, 100.0, 109.0
    assert has("hammer", (open_ - EPS / 2, high, low, close))
    assert has("hammer", (open_ + EPS / 2, high, low, close))


THIRD = 110 - 0.382 * 10
"""The upper 38.2% of the range from 100 to 110 begins here."""


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((107, 110, 100, 109), True),
        ((THIRD, 110, 100, 110), True),
        ((THIRD - EPS / 2, 110, 100, 110), True),
        ((THIRD - 3 * EPS, 110, 100, 110), False),
        ((109, 110, 100, 107), False),  # red
        ((108, 110, 100, 108), False),  # neither
        ((108, 110, 100, 108 + EPS / 2), False),  # equal within 1e-9
    ],
)
def test_bodies_in_the_outer_382(bar: Bar, expected: bool) -> None:
    assert has("bullish_382", bar) is expected
    assert has("bearish_382", mirrored(bar)) is expected
    assert not has("bearish_382", bar)


RED = (102.0, 103.0, 99.0, 100.0)
ENGULFING = (99.0, 104.0, 98.0, 103.0)


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        (ENGULFING, True),
        ((100, 104, 98, 103.5), False),  # opens at the previous close
        ((100 - 3 * EPS, 104, 98, 103.5), True),
        ((98, 104, 98, 102), False),  # closes at the previous open
        ((98, 104, 98, 102 + 3 * EPS), True),
        ((99.5, 104, 98, 102.5), False),  # a body of 3 is 1.5 times the previous one, not more
        ((99.5 - 3 * EPS, 104, 98, 102.5), True),
        ((99, 103 + 4 / 0.7, 98, 103), True),  # 0.7 of the upper shadow equals the body
        ((99, 103 + 4 / 0.7 + 9 * EPS, 98, 103), False),
        ((103, 104, 98, 99), False),  # red
    ],
)
def test_bullish_engulfing(bar: Bar, expected: bool) -> None:
    assert has("bullish_engulfing", RED, bar) is expected


def test_bullish_engulfing_takes_a_green_bar_in_too() -> None:
    open_, high, low, close = RED
    assert has("bullish_engulfing", (close, high, low, open_), ENGULFING)


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((103, 104, 98, 99), True),
        ((102, 104, 98, 99), False),  # opens at the previous open
        ((102 + 3 * EPS, 104, 98, 99), True),
        ((103, 104, 98, 100), False),  # closes at the previous close
        ((103, 104, 98, 100 - 3 * EPS), True),
        ((99, 104, 98, 103), False),  # green
        ((102.1, 120, 90, 99.9), True),  # neither length nor shadows matter
    ],
)
def test_bearish_engulfing(bar: Bar, expected: bool) -> None:
    assert has("bearish_engulfing", RED, bar) is expected
    assert has("bearish_engulfing", (RED[3], *RED[1:3], RED[0]), bar) is expected


@pytest.mark.parametrize(
    "pattern",
    ["hammer", "inverted_hammer", "bullish_382", "bearish_382", "bullish_engulfing", "bearish_engulfing"],
)
def test_a_bar_of_one_price_and_a_first_bar_make_no_pattern(pattern: str) -> None:
    assert not has(pattern, (100, 100, 100, 100))
    assert not has(pattern, RED, (100, 100, 100, 100))
    assert not has("bullish_engulfing", ENGULFING)
    assert not has("bearish_engulfing", mirrored(ENGULFING))


def test_a_close_above_the_high_counts_as_the_high() -> None:
    """A closing auction: the range is 100 to 110, as if the high had been 110."""
    assert has("hammer", (108, 109, 100, 110))
    assert has("bullish_382", (108, 109, 100, 110))
