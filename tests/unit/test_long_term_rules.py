"""The rules of conf/rules.yaml on bars made by hand: each side and state, and what keeps it away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lake.features.kernel import compute
from lake.market.timeframes import N_DAYS
from lake.rules.evaluate import NO_CASE, evaluate
from lake.rules.explain import explain
from lake.rules.language import read_rules
from tests.builders import daily_bars, sessions
from tests.conftest import CHECKOUT
from tests.market import split_adjusted

RULES = read_rules(CHECKOUT / "conf")
LONG = ("1d", "1wk", *(f"{n}d" for n in N_DAYS))
LIVE = ("5m", "15m", "30m")
BAR_VALUES = ("open", "high", "low", "close", "volume")


def variants(name: str, **values: Sequence[float] | float) -> list[str | None]:
    """Return the variant of a rule on each bar; a single number holds on every bar.

    A bar of another price comes before, since nothing is said of prices that never moved.
    """
    count = max(len(each) for each in values.values() if isinstance(each, Sequence))
    rows = {
        key: np.array([np.nan, *(each if isinstance(each, Sequence) else [each] * count)], dtype=float)
        for key, each in values.items()
    }
    prices = {key: np.nan_to_num(rows.pop(key), nan=0.5) for key in BAR_VALUES if key in rows}
    close = prices.pop("close", np.linspace(0.5, 1, count + 1))
    bars = daily_bars(sessions("2012-01-03", count + 1), close, **prices)
    signals = evaluate(RULES[name], bars, rows)
    found = [None if at == NO_CASE else RULES[name].cases[at].variant for at in signals.case]
    assert found[0] is None
    return found[1:]


def fired(name: str, closes: Sequence[float], **columns: Sequence[float]) -> list[int]:
    """Return the bars on which a rule fires, its columns computed."""
    bars = daily_bars(sessions("2012-01-03", len(closes)), closes, **columns)
    return np.flatnonzero(evaluate(RULES[name], bars, compute(bars, RULES[name].columns)).fires).tolist()


def test_timeframes() -> None:
    own = {"engulfing": ("1d",), "ema_13_touch": tuple(f"{n}d" for n in range(7, 14))}
    own |= {"volume_spike": (*LONG, *LIVE), "trend_cross": LIVE[:2]}
    own |= dict.fromkeys(("hammer", "inverted_hammer", "bullish_382"), ("1d", *LIVE))
    assert {name: RULES[name].timeframes for name in own} == own
    others = {rule.timeframes for name, rule in RULES.items() if name not in own} - {LIVE}
    assert others == {LONG}


TOUCHES = [
    ({"open": 99}, True),
    ({"open": 98.9}, False),
    ({"low": 101}, True),
    ({"low": 101.2}, False),
    ({"high": 99.0}, True),
    ({"close": 100.5}, True),
    ({}, False),
]
"""Around an average of 100 the band reaches from 99 to 101; the rest of the bar is above it."""


@pytest.mark.parametrize(("price", "touches"), TOUCHES)
@pytest.mark.parametrize(
    ("rule", "average", "other"), [("ema_touch", "ema_169", "ema_13"), ("ema_13_touch", "ema_13", "ema_8")]
)
def test_ema_touch(rule: str, average: str, other: str, price: dict[str, float], touches: bool) -> None:
    bar = {"open": 108.0, "high": 110.0, "low": 105.0, "close": 107.0} | price
    bar = {name: [value] for name, value in bar.items()}
    assert variants(rule, **bar, **{average: 100, other: 101}) == ["support" if touches else None]
    assert variants(rule, **bar, **{average: 100, other: 99}) == ["resistance" if touches else None]
    assert variants(rule, **bar, **{average: 100, other: 100}) == ["resistance" if touches else None]


@pytest.mark.parametrize(
    ("closes", "ema_13", "ema_169", "state"),
    [
        ([120, 120, 120, 120], 110, 100, "maintained"),
        ([105, 105, 105, 105], 110, 100, "weak"),
        ([100, 100, 100, 100], 110, 100, "weak"),  # at the long average
        ([95, 95, 95, 95], 110, 100, "loss"),
        ([95, 95, 95, 95], 90, 100, "recovering"),  # above the short average, below the long one
        ([110, 110, 110, 110], 110, 100, "recovering"),  # at the short average
        ([100, 100, 100, 100], 90, 100, "recovering"),  # at the long average, above the short one
        ([109, 120, 120, 120], 110, 100, "negotiating"),  # below the short average three bars before
        ([120, 120, 109, 120], 110, 100, "negotiating"),
        ([99, 120, 120, 120], 90, 100, "negotiating"),  # below the long average three bars before
        ([89, 95, 95, 95], 90, 100, "negotiating"),  # back above one is enough
        ([110, 120, 120, 120], 110, 100, "maintained"),  # at an average is not below it
    ],
)
def test_velocity(closes: list[float], ema_13: float, ema_169: float, state: str) -> None:
    assert variants("velocity", close=closes, ema_13=ema_13, ema_169=ema_169)[3] == state


def test_velocity_stops_negotiating_on_the_fourth_bar_after_the_close_below() -> None:
    found = variants("velocity", close=[120, 120, 120, 105, 120, 120, 120, 120], ema_13=110, ema_169=100)
    assert found[3:] == ["weak", "negotiating", "negotiating", "negotiating", "maintained"]


def test_velocity_says_nothing_while_an_average_is_unknown() -> None:
    assert variants("velocity", close=[120] * 5, ema_13=110, ema_169=np.nan) == [None] * 5


def test_velocity_fires_on_a_change_of_state_within_one_side() -> None:
    """Weak and loss are both bearish."""
    bars = daily_bars(sessions("2012-01-03", 6), [104, 105, 105, 105, 95, 95])
    columns = {"ema_13": np.full(6, 110.0), "ema_169": np.full(6, 100.0)}
    signals = evaluate(RULES["velocity"], bars, columns)
    assert signals.side.tolist() == [0, *[-1] * 5]
    assert np.flatnonzero(signals.fires).tolist() == [1, 4]


def momentum(states: list[str], ema_8: float, ema_13: float) -> str | None:
    """Return what momentum says after bars in some states of velocity, the last bar not counted.

    With ema_169 at 100 a close is in loss at 50, weak at 105 (where ema_13 is 110), maintained at 120.
    """
    closes = {"loss": 50.0, "weak": 105.0, "maintained": 120.0}
    # Three bars before keep the first from being unknown, or from negotiating.
    close = [closes[state] for state in [states[0]] * 3 + states]
    levels = [110.0] * len(close)
    return variants(
        "momentum",
        close=close,
        ema_8=[*levels[:-1], ema_8],
        ema_13=[*levels[:-1], ema_13],
        ema_169=100,
    )[-1]


FALLING = ["maintained"] * 7 + ["weak"] * 4 + ["loss"] * 5
"""Seven maintained, then eight weak or loss in the prior 15, and the bar itself."""


def test_momentum_accelerates_where_the_averages_turned_up_before_the_closes() -> None:
    assert momentum(FALLING, ema_8=115, ema_13=110) == "accelerating"
    assert momentum(FALLING, ema_8=115, ema_13=99) is None
    assert momentum(FALLING, ema_8=99, ema_13=98) is None


def test_momentum_decelerates_where_the_averages_turned_down_before_the_closes() -> None:
    holding = ["maintained"] * 8 + ["weak"] * 3 + ["loss"] * 5
    assert momentum(holding, ema_8=105, ema_13=110) == "decelerating"
    assert momentum(holding, ema_8=110, ema_13=110) is None
    assert momentum(holding, ema_8=90, ema_13=95) == "decelerating"  # wherever the long average stands


def test_momentum_counts_the_15_bars_before_this_one() -> None:
    """Eight of 16 bars are maintained: the oldest falls out, or the last is not counted."""
    assert momentum(["maintained"] * 8 + ["loss"] * 8, ema_8=105, ema_13=110) == "decelerating"
    assert momentum(["loss", *["maintained"] * 7, *["loss"] * 8], ema_8=115, ema_13=112) == "accelerating"
    even = ["maintained"] * 7 + ["loss"] * 7 + ["loss", "loss"]
    assert momentum(["maintained", *even[:-1]], ema_8=105, ema_13=110) == "decelerating"


def test_momentum_needs_15_known_bars() -> None:
    closes = [50.0] * 17
    found = variants("momentum", close=closes, ema_8=115, ema_13=110, ema_169=100)
    # Loss is known on the fourth bar, once it is known that nothing was below and came back.
    assert "accelerating" not in found[:15] and found[16] == "accelerating"


def test_both_sides_of_momentum_are_reached_by_real_prices(shared_data: Path) -> None:
    bars = split_adjusted(shared_data, "IBM")
    signals = evaluate(RULES["momentum"], bars, compute(bars, RULES["momentum"].columns))
    assert {*signals.case.tolist()} == {-1, 0, 1}


@pytest.mark.parametrize(
    ("macd", "signal", "bull", "bear"),
    [
        ([1, 2], 1.5, True, False),
        ([-1, 0], -0.5, True, False),
        ([-2, -1], -1.5, False, False),  # rising and above its signal, yet below 0
        ([2, 2], 1.5, False, False),  # not rising
        ([1, 2], 2, False, False),  # at its signal
        ([2, 1], 1.5, False, True),
        ([2, 1], 0.5, False, False),
        ([1, 1], 1.5, False, False),
        ([-1, -2], -1.5, False, True),
    ],
)
def test_macd(macd: list[float], signal: float, bull: bool, bear: bool) -> None:
    values = {"close": [10, 10], "macd": macd, "macd_signal": signal}
    assert variants("macd_bull", **values)[1] == ("bullish" if bull else None)
    assert variants("macd_bear", **values)[1] == ("bearish" if bear else None)


def test_engulfing() -> None:
    red, green = (102, 103, 99, 100), (100, 103, 99, 102)
    up, down = (99, 104, 98, 103), (103, 104, 98, 99)
    for first, second, expected in ((red, up, 1), (green, down, -1), (red, green, 0)):
        open_, high, low, close = zip((1, 1, 1, 1), first, second, strict=True)
        bars = daily_bars(sessions("2012-01-03", 3), close, open=open_, high=high, low=low)
        signals = evaluate(RULES["engulfing"], bars, compute(bars, RULES["engulfing"].columns))
        assert signals.side.tolist() == [0, 0, expected]


@pytest.mark.parametrize(
    ("rule", "bar", "none"),
    [
        ("hammer", (108, 110, 100, 109), (102, 110, 100, 101)),
        ("inverted_hammer", (102, 110, 100, 101), (108, 110, 100, 109)),
        ("bullish_382", (107, 110, 100, 109), (109, 110, 100, 107)),
    ],
)
def test_single_bars_fire_on_every_bar(rule: str, bar: tuple[float, ...], none: tuple[float, ...]) -> None:
    open_, high, low, close = zip((90, 90, 90, 90), bar, bar, none, strict=True)
    assert fired(rule, close, open=open_, high=high, low=low) == [1, 2]


RECOVERIES = [("ema_13", "ema_169"), ("ema_169", "ema_13")]
"""The average of 100 that is fallen through, and one so low that nothing reaches it."""


@pytest.mark.parametrize(("average", "far"), RECOVERIES)
def test_ema_recovery(average: str, far: str) -> None:
    def found(*closes: float) -> str | None:
        return variants("ema_recovery", close=closes, **{average: 100, far: 10})[-1]

    assert found(100, 94, 106) == "bullish"
    assert found(100, 94, 105) is None  # at the edge of the band, not above it
    assert found(100, 95, 106) is None  # never below the band
    assert found(100, 94, *[94] * 5, 106) == "bullish"  # six bars after the fall
    assert found(100, 94, *[94] * 6, 106) is None
    assert found(94, 94, 106) is None  # no fall is known


@pytest.mark.parametrize(("average", "far"), RECOVERIES)
def test_ema_recovery_failed(average: str, far: str) -> None:
    def found(closes: Sequence[float], high: float) -> str | None:
        highs = [*closes[:-1], high]
        return variants("ema_recovery_failed", close=closes, high=highs, **{average: 100, far: 10})[-1]

    assert found([100, 94, 93], high=96) == "bearish"
    assert found([100, 94, 93], high=95) == "bearish"  # at the edge of the band
    assert found([100, 94, 93], high=94.9) is None
    assert found([100, 94, 95], high=96) is None  # the close is back in the band
    assert found([100, 94], high=101) is None  # the fall itself
    assert found([100, *[94] * 7], high=96) == "bearish"  # six bars after the fall
    assert found([100, *[94] * 8], high=96) is None


def test_golden_and_death_cross() -> None:
    values = {"close": [5] * 5, "sma_50": [9, 10, 11, 12, 10], "sma_200": 10}
    assert variants("golden_cross", **values) == [None, None, "bullish", None, None]
    values["sma_50"] = [11, 10, 9, 8, 10]
    assert variants("death_cross", **values) == [None, None, "bearish", None, None]


@pytest.mark.parametrize(
    ("close", "state"),
    [(111, "above_20"), (121, "above_55"), (110, None), (89, "below_20"), (79, "below_55"), (90, None)],
)
def test_breakout(close: float, state: str | None) -> None:
    levels = {
        "donchian_upper": 110, "donchian_lower": 90, "donchian_upper_55": 120, "donchian_lower_55": 80,
    }  # fmt: skip
    assert variants("breakout", close=[close], **levels) == [state]


def test_breakout_leaves_this_bar_out_and_knows_20_bars_before_55() -> None:
    closes = [float(price) for price in range(100, 160)]
    # Each close is above all before; the first 20 are needed, from bar 55 on it is a longer one.
    assert fired("breakout", closes) == [20, 55]


def test_volume_spike() -> None:
    values = {"close": [5, 5, 5], "volume": [30, 31, 29], "volume_sma_20": 10}
    assert variants("volume_spike", **values) == [None, "neutral", None]


@pytest.mark.parametrize(
    ("upper", "lower", "holds"), [(102.9, 97.1, True), (103, 97.1, False), (102.9, 97, False)]
)
def test_squeeze(upper: float, lower: float, holds: bool) -> None:
    """The channel reaches 1.5 times a range of 2 to either side of 100."""
    found = variants("squeeze", close=[100], bb_upper=upper, bb_lower=lower, ema_20=100, atr_20=2)
    assert found == ["neutral" if holds else None]


def test_a_quiet_market_is_squeezed_and_a_moving_one_is_not() -> None:
    """Bars that range by 2 with closes in their middle; then the closes leave it."""
    quiet = [100.0 + 0.1 * (bar % 2) for bar in range(120)]
    closes = [*quiet, *(100.0 + 3 * bar for bar in range(20))]
    bars = daily_bars(
        sessions("2012-01-03", 140), closes, high=[c + 1 for c in closes], low=[c - 1 for c in closes]
    )
    side = evaluate(RULES["squeeze"], bars, compute(bars, RULES["squeeze"].columns)).side
    assert set(side[20:120]) == {2} and side[139] == 0


def test_an_explanation_names_states_and_shows_what_was_counted() -> None:
    bars = daily_bars(sessions("2012-01-03", 22), [1, *[50] * 21])
    columns = {name: np.full(22, value) for name, value in
               {"ema_8": 115.0, "ema_13": 110.0, "ema_169": 100.0}.items()}  # fmt: skip
    findings = explain(RULES["momentum"], bars, columns, 21)
    assert (findings[0].text, findings[0].holds) == ("accelerating", True)
    counts = next(each for each in findings if each.text.startswith("(count("))
    assert list(counts.values.values()) == [15, 0, 0]
    assert all(name.startswith("count(") for name in counts.values)
