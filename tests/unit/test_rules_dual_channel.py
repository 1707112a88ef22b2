"""The rule dual_channel of conf/rules.yaml on bars made by hand: each branch, its limits, precedence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lake.market.bars import Bars, Floats
from lake.market.timeframes import N_DAYS
from lake.rules.evaluate import BEARISH, BULLISH, NONE, evaluate
from lake.rules.language import read_rules
from tests.builders import daily_bars, sessions
from tests.conftest import CHECKOUT

RULE = read_rules(CHECKOUT / "conf")["dual_channel"]

TREND_UP = {
    "open": 112,
    "low": 111,
    "close": 113,
    "ema_8": 111,
    "ema_13": 110,
    "ema_144": 104,
    "ema_169": 100,
}
"""Bullish by the first branch: the averages in order, a green bar on top of them."""

CHANNEL_UP = {
    "open": 103,
    "low": 99,
    "close": 106,
    "ema_8": 105,
    "ema_13": 105.5,
    "ema_144": 104,
    "ema_169": 100,
}
"""Bullish by the second branch only: ema_8 is below ema_13, the open inside the band of 95 to 105."""

PULLBACK = {
    "open": 108,
    "low": 106,
    "close": 107,
    "ema_8": 111,
    "ema_13": 110,
    "ema_144": 104,
    "ema_169": 100,
}
"""Bearish by the first branch: open and close below ema_13, which is below ema_8."""

BREAKDOWN = {"open": 94, "low": 90, "close": 91, "ema_8": 97, "ema_13": 98, "ema_144": 101, "ema_169": 100}
"""Bearish by the second branch: open and close below ema_13, above it ema_8, the open outside the band."""


def bar(values: dict[str, float]) -> tuple[Bars, dict[str, Floats]]:
    """Return one bar with the given values, after one that no rule holds on, and its columns."""
    rows: dict[str, Any] = {name: [1.0, value] for name, value in values.items()}
    high = [1.0, max(values["open"], values["close"])]
    bars = daily_bars(sessions("2012-01-03", 2), rows["close"], open=rows["open"], high=high, low=rows["low"])
    columns = {name: np.array([np.nan, values[name]]) for name in ("ema_8", "ema_13", "ema_144", "ema_169")}
    columns["color"] = np.sign(bars.close - bars.open)
    columns["ema_169_upper"] = columns["ema_169"] * 1.05
    columns["ema_169_lower"] = columns["ema_169"] * 0.95
    return bars, columns


def side(values: dict[str, float], **changes: float) -> int:
    signals = evaluate(RULE, *bar(values | changes))
    assert bool(signals.fires[1]) == (signals.side[1] != NONE)
    return int(signals.side[1])


def test_it_is_for_daily_weekly_and_longer_bars() -> None:
    assert RULE.timeframes == ("1d", "1wk", *(f"{n}d" for n in N_DAYS))


@pytest.mark.parametrize(
    ("values", "expected"),
    [(TREND_UP, BULLISH), (CHANNEL_UP, BULLISH), (PULLBACK, BEARISH), (BREAKDOWN, BEARISH)],
)
def test_each_branch_holds_on_its_own(values: dict[str, float], expected: int) -> None:
    assert side(values) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"ema_8": 109},  # not above ema_13, and the open outside the band
        {"ema_13": 99, "ema_169": 100},
        {"low": 109},
        {"close": 111.5},  # red
        {"close": 112},  # neither green nor red
    ],
)
def test_the_trend_branch_needs_each_of_its_parts(change: dict[str, float]) -> None:
    assert side(TREND_UP, **change) == NONE


@pytest.mark.parametrize(
    "change",
    [
        {"ema_8": 103.5},
        {"ema_169": 105.6, "ema_144": 104},
        {"close": 103.9},
        {"open": 94.9},
        {"open": 105.5},
        {"open": 104.9, "close": 104.8},  # red
    ],
)
def test_the_channel_branch_needs_each_of_its_parts(change: dict[str, float]) -> None:
    values = CHANNEL_UP | {"ema_13": 103} if "close" in change else CHANNEL_UP
    assert side(values, **change) == NONE


@pytest.mark.parametrize("change", [{"open": 110.5}, {"close": 110.5}, {"ema_8": 109}])
def test_the_pullback_branch_needs_each_of_its_parts(change: dict[str, float]) -> None:
    inside = PULLBACK | {"ema_169": 106, "ema_144": 120}
    assert side(inside) == BEARISH
    assert side(inside, **change) == NONE


@pytest.mark.parametrize("change", [{"open": 98.5}, {"close": 98.5}, {"open": 96}, {"ema_8": 98}])
def test_the_breakdown_branch_needs_each_of_its_parts(change: dict[str, float]) -> None:
    assert side(BREAKDOWN, **change) == NONE


def test_a_breakdown_may_open_above_the_band_too() -> None:
    assert side(BREAKDOWN, open=120, close=119, ema_8=121, ema_13=125) == BEARISH


def test_where_both_sides_hold_bearish_wins() -> None:
    """Green and inside the band, above ema_144, yet open and close below a falling ema_13."""
    both = {
        "open": 103,
        "low": 102,
        "close": 106,
        "ema_8": 108,
        "ema_13": 107,
        "ema_144": 104,
        "ema_169": 100,
    }
    assert side(both) == BEARISH
    assert side(both, ema_13=106) == BULLISH


@pytest.mark.parametrize(
    ("values", "name", "limit", "at_the_limit", "beyond"),
    [
        (TREND_UP, "low", 110, BULLISH, -1),
        (CHANNEL_UP, "open", 95, BULLISH, -1),
        (CHANNEL_UP, "open", 105, BULLISH, 1),
        (BREAKDOWN, "open", 95, NONE, -1),
        (BREAKDOWN, "close", 98, NONE, -1),
    ],
)
def test_a_limit_counts_as_met_within_1e_9_of_the_price(
    values: dict[str, float], name: str, limit: float, at_the_limit: int, beyond: int
) -> None:
    """`beyond` is the direction in which the answer changes, once the step is more than rounding."""
    for step in (0, 5e-10, -5e-10):
        assert side(values, **{name: limit * (1 + step)}) == at_the_limit
    assert side(values, **{name: limit * (1 + beyond * 3e-9)}) != at_the_limit


def test_it_tells_nothing_while_the_long_average_is_unknown_unless_it_is_not_needed() -> None:
    unknown = {"ema_144": np.nan, "ema_169": np.nan}
    assert side(TREND_UP, **unknown) == side(CHANNEL_UP, **unknown) == side(BREAKDOWN, **unknown) == NONE
    assert side(PULLBACK, **unknown) == BEARISH
