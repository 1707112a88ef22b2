from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lake.config import CHECKOUT
from lake.errors import BadConfiguration, BadInput
from lake.rules.language import parse_rules, read_rules
from lake.sandbox.signals import signals_of
from lake.sandbox.strategies import Signal, Strategy, find_strategy, read_strategies
from tests.builders import actions, daily_bars, sessions

RULES = read_rules(CHECKOUT / "conf")
GOOD = """\
swing:
  description: Hold what rises.
  timeframe: 1d
  enter: {rule: dual_channel, side: bullish}
  leave: {rule: dual_channel, side: bearish}
"""


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "strategies.yaml"
    path.write_text(text)
    with pytest.raises(BadConfiguration) as refused:
        read_strategies(path, RULES)
    assert str(path) in str(refused.value)
    return str(refused.value)


def test_the_strategies_that_come_with_the_lake_can_be_read() -> None:
    found = find_strategy(read_strategies(CHECKOUT / "conf" / "strategies.yaml", RULES), "dual_channel")
    assert found.enter == Signal("dual_channel", "bullish")
    assert found.leave == Signal("dual_channel", "bearish")
    assert found.timeframe == "1d"
    assert found.rules == ("dual_channel",)


def test_an_unknown_strategy_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "strategies.yaml"
    path.write_text(GOOD)
    with pytest.raises(BadInput, match=r"one of swing, found 'swign'"):
        find_strategy(read_strategies(path, RULES), "swign")


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("timeframe: 1d", "timeframe: 1day", 3, "found '1day'"),
        ("side: bullish", "side: up", 4, "expected one of bearish, bullish, found 'up'"),
        ("rule: dual_channel, side: bearish", "rule: dual, side: bearish", 5, "found 'dual'"),
        ("  leave: {rule: dual_channel, side: bearish}\n", "", 1, "expected strategy swing with leave"),
        ("description:", "describtion:", 2, "'describtion'"),
        ("enter: {rule: dual_channel, side: bullish}", "enter: dual_channel", 4, "expected a signal"),
        ("timeframe: 1d", "timeframe: 1d\n  timeframe: 1d", 4, "expected timeframe once"),
        ("timeframe: 1d", "timeframe: [1d", 4, "expected plain YAML"),
    ],
)
def test_a_bad_strategy_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in GOOD
    message = refusal(tmp_path, GOOD.replace(old, new))
    assert f"line {line}: " in message
    assert reason in message


@pytest.mark.parametrize("text", ["", "[]", "swing", "swing:\n"])
def test_a_file_without_strategies_is_refused(tmp_path: Path, text: str) -> None:
    assert "expected" in refusal(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="expected a readable"):
        read_strategies(tmp_path / "strategies.yaml", RULES)


def test_a_strategy_may_rest_on_rules_that_ask_another_timeframe() -> None:
    rules = parse_rules(
        """
week:
  description: The last complete week closed above 20.
  timeframes: [1d]
  fires: on_change
  severity: info
  precedence: [bearish, bullish]
  bullish: close > 20 on 1wk
  bearish: close < 20 on 1wk
"""
    )
    signal = {side: Signal("week", side) for side in ("bullish", "bearish")}  # type: ignore[arg-type]
    strategy = Strategy("s", "d", "1d", signal["bullish"], signal["bearish"])
    days = sessions("2012-01-03", 9)
    own = daily_bars(days, [10.0, *[11.0] * 8])
    weeks = replace(daily_bars([days[1], days[3], days[6]], [5.0, 30.0, 6.0]), timeframe="1wk")
    enter, leave = signals_of(strategy, rules, own, actions(), [weeks])
    assert np.flatnonzero(enter).tolist() == [4, 5, 6]
    assert np.flatnonzero(leave).tolist() == [7, 8]
