"""The live rules of conf/rules.yaml on bars made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lake.features.kernel import compute
from lake.rules.evaluate import NO_CASE, evaluate
from lake.rules.language import read_rules, rules_for
from lake.rules.rule import LevelTrigger
from tests.builders import daily_bars, sessions
from tests.conftest import CHECKOUT

RULES = read_rules(CHECKOUT / "conf")
LIVE = {"hammer", "inverted_hammer", "bullish_382", "bullish_engulfing", "bearish_engulfing", "ma_rsi",
        "ema_cross", "macd_cross", "level_touch", "level_break", "bearish_382", "rsi_exit", "bb_breakout",
        "volume_spike", "trend_cross", "level_bounce"}  # fmt: skip


def fired(name: str, closes: Sequence[float], **columns: Sequence[float]) -> list[tuple[int, str]]:
    """Return the bars on which a rule fires, with its side; columns that are not given are computed."""
    bars = daily_bars(sessions("2012-01-03", len(closes)), closes)
    given = {key: np.array(values, dtype=float) for key, values in columns.items()}
    signals = evaluate(RULES[name], bars, compute(bars, RULES[name].columns) | given)
    return [
        (row, RULES[name].cases[signals.case[row]].side)
        for row in np.flatnonzero(signals.fires).tolist()
        if signals.case[row] != NO_CASE
    ]


@pytest.mark.parametrize("timeframe", ["5m", "15m", "30m"])
def test_each_live_timeframe_has_the_live_rules(timeframe: str) -> None:
    longest = {"trend_cross"} if timeframe == "30m" else set()  # it asks bars of 30 minutes itself
    assert {rule.name for rule in rules_for(RULES, timeframe)} == LIVE - longest


def test_ma_rsi_is_news_where_the_market_becomes_over_sold_or_over_bought() -> None:
    found = fired(
        "ma_rsi",
        [10, 9, 9, 9, 11, 11, 9, 11],
        sma_7=[10] * 8,
        rsi_7=[50, 30, 29, 28, 70, 71, 75, 25],
    )
    assert found == [(2, "bullish"), (5, "bearish")]  # not at 30 nor at 70, and only on its side of the mean


@pytest.mark.parametrize(
    ("rule", "fast", "slow"), [("ema_cross", "ema_12", "ema_26"), ("macd_cross", "macd", "macd_signal")]
)
def test_crosses_fire_on_the_bar_that_crosses(rule: str, fast: str, slow: str) -> None:
    values = {fast: [1, 3, 3, 2, 1, 2, 3], slow: [2, 2, 2, 2, 2, 2, 2]}
    closes = [10, 11, 12, 13, 14, 15, 16]
    assert fired(rule, closes, **values) == [(1, "bullish"), (4, "bearish"), (6, "bullish")]


def test_rsi_exit_is_where_it_comes_back_over_its_limits() -> None:
    found = fired("rsi_exit", list(range(10, 17)), rsi_14=[50, 29, 30, 31, 71, 70, 69])
    assert found == [(3, "bullish"), (6, "bearish")]


def test_bb_breakout_is_news_once_while_the_close_is_outside() -> None:
    found = fired("bb_breakout", [10, 12, 13, 11, 8, 7], bb_upper=[11] * 6, bb_lower=[9] * 6)
    assert found == [(1, "bullish"), (4, "bearish")]


def test_engulfing_bars_are_named_by_their_side() -> None:
    flags = {"bullish_engulfing": [0, 1, 0, 0], "bearish_engulfing": [0, 0, 0, 1]}
    assert fired("bullish_engulfing", [10, 11, 12, 13], **flags) == [(1, "bullish")]
    assert fired("bearish_engulfing", [10, 11, 12, 13], **flags) == [(3, "bearish")]


def test_levels_are_those_of_swings() -> None:
    assert RULES["level_touch"].levels == LevelTrigger("touch", ("fractal",))
    assert RULES["level_bounce"].levels == LevelTrigger("bounce", ("fractal",))
    assert RULES["level_break"].levels == LevelTrigger("break", ("fractal",))
