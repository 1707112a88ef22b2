"""Rules about events at levels: what conf/rules.yaml may say of them, and what is refused."""

from __future__ import annotations

import pytest

from lake.errors import BadConfiguration
from lake.rules.identity import rule_version
from lake.rules.language import parse_rules
from lake.rules.rule import LevelTrigger, Rule, sides_of

GOOD = """\
touch_it:
  description: d
  timeframes: [5m]
  fires: every_bar
  severity: info
  message: "{symbol} at {level:.2f}, {kind}, RSI {rsi_7:.0f}"
  levels:
    event: touch
    methods: [pivot, fractal]
    when: close > sma_7
"""


def parsed(old: str = "", new: str = "") -> Rule:
    return parse_rules(GOOD.replace(old, new) if old else GOOD)["touch_it"]


def test_a_rule_has_what_was_written() -> None:
    rule = parsed()
    assert rule.levels is not None
    assert (rule.levels.event, rule.levels.methods) == ("touch", ("fractal", "pivot"))
    assert str(rule.levels.condition) == "close > sma_7"
    assert rule.cases == ()
    assert rule.columns == ("atr_14", "sma_7")  # atr_14 says how near is near
    assert rule.shown == ("rsi_7",)
    assert parsed("    when: close > sma_7\n").levels == LevelTrigger("touch", ("fractal", "pivot"))


@pytest.mark.parametrize(
    ("event", "sides"),
    [
        ("touch", ("neutral",)),
        ("retest", ("neutral",)),
        ("bounce", ("bullish", "bearish")),
        ("break", ("bullish", "bearish")),
        ("role_flip", ("bullish", "bearish")),
    ],
)
def test_the_sides_of_a_rule_are_those_of_its_event(event: str, sides: tuple[str, ...]) -> None:
    assert sides_of(parsed("event: touch", f"event: {event}")) == sides


@pytest.mark.parametrize(
    ("old", "new", "is_another"),
    [
        ("event: touch", "event: break", True),
        ("[pivot, fractal]", "[pivot]", True),
        ("[pivot, fractal]", "[fractal, pivot, fractal]", False),
        ("close > sma_7", "close > sma_20", True),
        ("    when: close > sma_7\n", "", True),
        ("RSI {rsi_7:.0f}", "", False),
        ("severity: info", "severity: critical", False),
    ],
)
def test_event_methods_and_condition_are_the_version(old: str, new: str, is_another: bool) -> None:
    assert (rule_version(parsed(old, new)) != rule_version(parsed())) == is_another


WHEN, HEAD = "    when: close > sma_7\n", "  levels:\n"
REFUSALS = {
    "a side besides": (WHEN, "  bullish: close > open\n", 10, "levels alone, each event"),
    "states besides": (HEAD, "  states: {a: {side: bullish, when: close > 1}}\n" + HEAD, 7, "levels alone"),
    "on change": ("every_bar", "on_change", 4, "every_bar in rule touch_it, since each event"),
    "unknown event": ("touch\n", "tuch\n", 8, "bounce, break, retest, role_flip, found 'tuch', near"),
    "unknown method": ("pivot,", "pivots,", 9, "one of fractal, pivot, .*found 'pivots', near pivot"),
    "no method": ("[pivot, fractal]", "[]", 9, r"a list such as \[fractal\], found nothing"),
    "methods missing": ("    methods: [pivot, fractal]\n", "", 7, "levels of rule touch_it with methods"),
    "another field": ("    when", "    then", 10, "one of event, methods, when in levels of rule touch_it"),
    "no event": (HEAD + "    event: touch\n", HEAD, 7, "with event, found only"),
    "no column": ("close > sma_7", "close > sma_8", 10, "a registered column, found 'sma_8', near"),
    "a name no alert has": ("{kind}", "{role}", 6, "event, kind, method, bar values and columns, found"),
    "a text as a number": ("{kind}", "{kind:.2f}", 6, "a message with names such as"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_mistake_is_refused_with_line_expected_and_found(kind: str) -> None:
    old, new, line, reason = REFUSALS[kind]
    text = GOOD.replace(old, new)
    assert text != GOOD
    with pytest.raises(BadConfiguration, match=rf"^rules, line {line}: expected .*{reason}"):
        parse_rules(text)


def test_level_fields_are_for_rules_about_levels() -> None:
    text = "a:\n  description: d\n  timeframes: [5m]\n  fires: every_bar\n  severity: info\n"
    with pytest.raises(BadConfiguration, match="line 6: expected names such as"):
        parse_rules(text + '  message: "{level}"\n  bullish: close > open\n')


def test_its_events_are_no_states_of_other_rules() -> None:
    other = GOOD.replace("touch_it", "other").replace("close > sma_7", "touch_it.touch")
    with pytest.raises(BadConfiguration, match="line 20: expected a rule that stands above this one"):
        parse_rules(GOOD + other)
