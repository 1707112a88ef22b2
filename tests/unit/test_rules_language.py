"""What conf/rules.yaml may say, and how it is refused: file, line, what was expected, what was found."""

from __future__ import annotations

import ast
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.errors import BadConfiguration
from lake.rules.language import parse_rules, read_rules, rules_for
from tests.conftest import CHECKOUT

GOOD = """\
turn:
  description: The close is above its average.
  timeframes: [1d, 2d..4d]
  fires: on_change
  severity: info
  bullish: close > ema_13
"""


def rule(*lines: str, without: str = "", name: str = "turn") -> str:
    """Return the good rule with one line left out and others added; line 7 is the first added."""
    kept = [line for line in GOOD.splitlines() if not (without and line.strip().startswith(without))]
    return "\n".join([kept[0].replace("turn", name), *kept[1:], *(f"  {line}" for line in lines)]) + "\n"


def condition(text: str) -> str:
    """Return the good rule with another condition, on line 6."""
    return rule(f"bullish: {text}", without="bullish")


def meaning(text: str) -> str:
    return str(parse_rules(condition(text))["turn"].cases[0].condition)


STATES = """\
pace:
  description: States.
  timeframes: [1d]
  fires: on_change
  severity: info
  states:
    fast: {side: bullish, when: close > ema_8}
    slow:
      side: neutral
      when: {all: [close > ema_13]}
    stopped: {side: bearish, when: close < ema_13}
"""
"""Eleven lines; a rule after it begins on line 12."""


def after_states(text: str) -> str:
    """Return a rule with a condition that may name the states of another; it is on line 17."""
    return STATES + rule(f"bullish: {text}", without="bullish")


def test_the_rules_that_come_with_the_product_are_good() -> None:
    assert set(read_rules(CHECKOUT / "conf")) == {
        "dual_channel", "ema_touch", "ema_13_touch", "velocity", "momentum", "macd_bull", "macd_bear",
        "engulfing", "hammer", "inverted_hammer", "bullish_382", "ema_recovery", "ema_recovery_failed",
        "golden_cross", "death_cross", "breakout", "volume_spike", "squeeze", "bullish_engulfing",
        "bearish_engulfing", "ma_rsi", "ema_cross", "macd_cross", "level_touch", "level_break", "bearish_382",
        "rsi_exit", "bb_breakout", "trend_cross", "level_bounce",
    }  # fmt: skip


def test_states_are_cases_in_the_order_of_the_file() -> None:
    cases = parse_rules(STATES)["pace"].cases
    assert [(case.variant, case.side) for case in cases] == [
        ("fast", "bullish"),
        ("slow", "neutral"),
        ("stopped", "bearish"),
    ]


def test_a_state_of_a_rule_above_holds_where_none_before_it_does() -> None:
    def found(text: str) -> str:
        return str(parse_rules(after_states(text))["turn"].cases[0].condition)

    assert found("pace.fast") == "close > ema_8"
    slow = "all(unless(close > ema_8), close > ema_13)"
    assert found("pace.slow") == slow
    assert found("pace.slow within 3 bars") == f"{slow} within 3 bars"
    assert found("count(pace.slow, 15)[-1] > 2") == f"count({slow}, 15)[-1] > 2"


def test_a_side_of_a_rule_above_can_be_named_as_a_state() -> None:
    both = GOOD + rule("bullish: turn.bullish", without="bullish", name="again")
    assert str(parse_rules(both)["again"].cases[0].condition) == "close > ema_13"


def test_a_rule_may_be_called_as_the_pattern_it_reports() -> None:
    hammer = parse_rules(rule("bullish: hammer", without="bullish", name="hammer"))["hammer"]
    assert hammer.columns == ("hammer",)


def test_the_readable_helpers_are_values_too() -> None:
    assert meaning("close > donchian_upper_55") == "close > donchian_upper_55"


def test_a_rule_has_what_was_written() -> None:
    text = rule("cooldown: 4h", 'message: "{symbol} at {price:.2f}, {ema_13:.1f}"', "bearish: close < ema_13",
                "precedence: [bearish, bullish]")  # fmt: skip
    turn = parse_rules(text)["turn"]
    assert turn.timeframes == ("1d", "2d", "3d", "4d")
    assert (turn.fires, turn.severity, turn.cooldown) == ("on_change", "info", timedelta(hours=4))
    assert [case.side for case in turn.cases] == ["bearish", "bullish"]
    assert turn.columns == ("ema_13",)
    assert turn.message == "{symbol} at {price:.2f}, {ema_13:.1f}"


def test_rules_are_found_by_timeframe() -> None:
    rules = parse_rules(GOOD)
    assert [each.name for each in rules_for(rules, "3d")] == ["turn"]
    assert rules_for(rules, "1wk") == []


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("close   >=  0.990 * ema_169", "close >= (0.99 * ema_169)"),
        ("macd > macd[-1]", "macd > macd[-1]"),
        ("rsi_14 < 30 for 3 bars", "rsi_14 < 30 for 3 bars"),
        ("rsi_14 < 30.0 within 1 bar", "rsi_14 < 30"),
        ("{all: [rsi_14 < 30], for: 1 bars}", "rsi_14 < 30"),
        ("rsi_14 < 30 for 2 bars within 9 bars", "rsi_14 < 30 for 2 bars within 9 bars"),
        ("macd crosses_above macd_signal", "macd crosses_above macd_signal"),
        ("close crosses_below ema_169 - 2 * atr_14", "close crosses_below (ema_169 - (2 * atr_14))"),
        ("(high - low) / close > -0.5", "((high - low) / close) > -0.5"),
        ("ema_8 > ema_13 >= ema_169", "all(ema_8 > ema_13, ema_13 >= ema_169)"),
        ("color != 1", "color != 1"),
        ("hammer", "hammer != 0"),
        ("hammer[-2]", "hammer[-2] != 0"),
        ("cdl_doji within 3 bars", "cdl_doji != 0 within 3 bars"),
        ("cdl_engulfing > 0", "cdl_engulfing > 0"),
        ("{not: hammer}", "not(hammer != 0)"),
        ("count(close > ema_13, 15) >= 3", "count(close > ema_13, 15) >= 3"),
        ("count(hammer, 5)[-1] + 1 > count(color == 1, 5)", None),
        (
            "{all: [ema_8 > ema_13 > ema_169, color == 1]}",
            "all(ema_8 > ema_13, ema_13 > ema_169, color == 1)",
        ),
        (
            "{any: [close > 1, {not: close > 2}], within: 5 bars}",
            "any(close > 1, not(close > 2)) within 5 bars",
        ),
    ],
)
def test_conditions_are_read(text: str, canonical: str | None) -> None:
    assert meaning(text) == (canonical or "(count(hammer != 0, 5)[-1] + 1) > count(color == 1, 5)")


REFUSALS = {
    "unknown column": (condition("close > ema_14"), 6, "'ema_14', near"),
    "unknown word": (condition("hello > 1"), 6, "expected a bar value or a registered column, found 'hello'"),
    "capital column": (condition("close > EMA_13"), 6, "found 'EMA_13', near ema_13"),
    "no comparison": (condition("ema_13"), 6, "expected a comparison such as"),
    "unknown pattern": (condition("hamer"), 6, "or a pattern, found 'hamer', near hammer"),
    "a pattern of the future": (condition("hammer[1]"), 6, "never ahead"),
    "rule that is not above": (condition("velocity.loss > 1"), 6, "found 'velocity.loss'"),
    "state of no rule": (
        condition("velocity.loss"),
        6,
        "a rule that stands above this one, found 'velocity'",
    ),
    "state of itself": (condition("turn.bullish"), 6, "a rule that stands above this one, found 'turn'"),
    "unknown state": (
        after_states("pace.slwo"),
        17,
        "a state of pace, one of fast, slow, stopped, found 'slwo', near slow",
    ),
    "state as a number": (after_states("pace.slow > 1"), 17, "expected a number, a bar value or a column"),
    "count of nothing": (condition("count() > 1"), 6, r"expected count\(CONDITION, N\)"),
    "count without bars": (condition("count(close > 1) > 1"), 6, r"expected count\(CONDITION, N\)"),
    "count of too many bars": (condition("count(close > 1, 99999) > 1"), 6, "from 1 to 10,000 bars"),
    "count of half a bar": (condition("count(close > 1, 1.5) > 1"), 6, "from 1 to 10,000 bars"),
    "count of true bars": (condition("count(close > 1, True) > 1"), 6, "from 1 to 10,000 bars"),
    "count of a value": (condition("count(close, 5) > 1"), 6, "expected a comparison such as"),
    "count ahead": (condition("count(close > 1, 5)[1] > 1"), 6, "never ahead"),
    "count alone": (condition("count(close > 1, 5)"), 6, "expected a comparison such as"),
    "count of a word": (condition("count(close > 1, 5, last=2) > 1"), 6, r"expected count\(CONDITION, N\)"),
    "states and sides": (STATES + "  bullish: close > 1\n", 12, "rule pace with states alone"),
    "states and precedence": (STATES + "  precedence: [bullish]\n", 12, "states alone, .* found precedence"),
    "no states": (rule("states: {}", without="bullish"), 6, "states by name, found nothing"),
    "state without a side": (
        rule("states: {up: {when: close > 1}}", without="bullish"),
        6,
        "state up with side",
    ),
    "state without a condition": (
        rule("states: {up: {side: bullish}}", without="bullish"),
        6,
        "state up with when",
    ),
    "state of an odd side": (
        rule("states: {up: {side: bulish, when: close > 1}}", without="bullish"),
        6,
        "found 'bulish', near bullish",
    ),
    "state of an odd name": (
        rule("states: {Up: {side: bullish, when: close > 1}}", without="bullish"),
        6,
        "a state's name of a-z, 0-9 and _, found 'Up'",
    ),
    "state that is a condition": (
        rule("states: {up: close > 1}", without="bullish"),
        6,
        "state up with side, when",
    ),
    "single equals": (condition("color = 1"), 6, "expected a comparison such as"),
    "odd operator": (condition("close => ema_13"), 6, "expected a comparison such as"),
    "word operator": (condition("close in ema_13"), 6, "expected one of > >= < <= == !="),
    "power": (condition("close ** 2 > ema_13"), 6, "expected one of [+] - [*] / between values"),
    "and": (condition("close > 1 and close < 2"), 6, "write and, or, not as `all:`, `any:`, `not:`"),
    "not": (condition("not close > 1"), 6, "write and, or, not"),
    "a function": (condition("abs(close) > 1"), 6, r"found 'abs\(close\)'"),
    "an attribute": (condition("close.real > 1"), 6, "found 'close.real'"),
    "a string": (condition("close > 'x'"), 6, "expected a number"),
    "true": (condition("close > True"), 6, "found 'True'"),
    "an endless number": (condition("close > 1e999"), 6, "expected a number below 1e"),
    "a very long number": (condition("close > " + "9" * 400), 6, "expected a number below 1e"),
    "the future": (condition("close > close[1]"), 6, "never ahead"),
    "no bars ago": (condition("close > close[0]"), 6, "expected an earlier bar such as close"),
    "a slice": (condition("close > close[-3:-1]"), 6, "expected an earlier bar"),
    "too far back": (condition("close > close[-99999]"), 6, "10,000 bars"),
    "wrong cross": (condition("close crosses_over ema_13"), 6, "expected crosses_above or crosses_below"),
    "half a cross": (condition("close crosses_above"), 6, "one value on each side"),
    "two crosses": (condition("close crosses_above ema_8 crosses_above ema_13"), 6, "one value on each side"),
    "comparison in a cross": (condition("close > 1 crosses_above ema_8"), 6, "expected a value"),
    "no number of bars": (condition("close > 1 for long"), 6, "expected `for N bars`"),
    "zero bars": (condition("close > 1 within 0 bars"), 6, "expected `within N bars`"),
    "half a bar": (condition("close > 1 for 1.5 bars"), 6, "expected `for N bars`"),
    "only numbers": (condition("2 > 1"), 6, "expected a condition on a bar value or a column"),
    "a very long condition": (condition("close > " + "1 + " * 200 + "1"), 6, "at most 500 characters"),
    "unbalanced": (condition("(close > 1"), 6, "expected a comparison such as"),
    "a list": (condition("[close > 1]"), 6, "put it under `all:` or `any:`"),
    "an empty group": (condition("{all: []}"), 6, "a list of conditions under all, found nothing"),
    "a group of one value": (
        condition("{any: close > 1}"),
        6,
        "a list of conditions under any, found one value",
    ),
    "two groups": (condition("{any: [close > 1], all: [close > 1]}"), 6, "found any, all; nest them"),
    "a window without a group": (condition("{for: 3 bars}"), 6, "expected one of all, any, not"),
    "unknown other timeframe": (condition("close > ema_13 on 2h"), 6, "expected `on` with one of 1m"),
    "two other timeframes": (condition("close > 1 on 1wk on 1mo"), 6, "found '1mo'"),
    "one other timeframe inside another": (
        condition("close > 1 on 1wk on 30m"),
        6,
        "one other timeframe in a condition, found `on 30m` around `on 1wk`",
    ),
    "its own timeframe": (condition("close > ema_13 on 2d"), 1, "another timeframe than its own"),
    "two windows": (
        condition("{not: close > 1, for: 3 bars, within: 3 bars}"),
        6,
        "at most one of for, within",
    ),
    "unknown group": (condition("{none: [close > 1]}"), 6, "one of all, any, not, for, within"),
    "bad window of a group": (condition("{not: close > 1, for: 3}"), 6, "expected `for N bars`"),
    "nested too deep": (condition("{not: " * 21 + "close > 1" + "}" * 21), 6, "at most 20 groups"),
    "empty condition": (condition(""), 6, "found nothing"),
    "unknown key": (rule("sevrity: info"), 7, "found 'sevrity', near severity"),
    "unknown side": (rule("bulish:", "  all: [close > 1]"), 7, "found 'bulish', near bullish"),
    "key twice": (rule("fires: every_bar"), 7, r"expected fires once, found it again \(first on line 4\)"),
    "name twice": (GOOD + GOOD, 7, r"expected turn once, found it again \(first on line 1\)"),
    "no side": (
        rule(without="bullish"),
        1,
        "states, levels or at least one of bullish, bearish, neutral, found none",
    ),
    "no severity": (rule(without="severity"), 1, "expected rule turn with severity"),
    "no description": (rule(without="description"), 1, "expected rule turn with description"),
    "no timeframes": (rule(without="timeframes"), 1, "expected rule turn with timeframes"),
    "no fires": (rule(without="fires"), 1, "expected rule turn with fires"),
    "bad fires": (rule("fires: on_chnage", without="fires"), 6, "found 'on_chnage', near on_change"),
    "bad severity": (rule("severity: high", without="severity"), 6, "one of info, warning, critical"),
    "bad timeframe": (rule("timeframes: [1d, 2h]", without="timeframes"), 6, "found '2h'"),
    "bad range": (rule("timeframes: [4d..2d]", without="timeframes"), 6, r"found '4d\.\.2d'"),
    "endless range": (rule("timeframes: [2d..999999999999d]", without="timeframes"), 6, "found '2d"),
    "one timeframe": (rule("timeframes: 1d", without="timeframes"), 6, "expected a list such as"),
    "empty timeframes": (rule("timeframes: []", without="timeframes"), 6, "found nothing"),
    "bad cooldown": (rule("cooldown: soon"), 7, "a time such as 30m, 4h or 5d, found 'soon'"),
    "two sides without precedence": (rule("bearish: close < 1"), 1, "say which side counts where both hold"),
    "precedence of another side": (rule("precedence: [bearish]"), 7, "a list of bullish"),
    "precedence that forgets one": (
        rule("bearish: close < 1", "precedence: [bullish]"),
        8,
        "bullish, bearish",
    ),
    "unknown side in precedence": (rule("precedence: [up]"), 7, "one of bullish, bearish, neutral"),
    "unknown name in a message": (rule("message: '{symbl} rose'"), 7, "found {symbl}, near symbol"),
    "attribute in a message": (rule("message: '{symbol.__class__}'"), 7, "found {symbol.__class__}"),
    "nameless field in a message": (rule("message: '{} rose'"), 7, "expected names such as {symbol}"),
    "bad format in a message": (rule("message: '{price:%d}'"), 7, "Invalid format"),
    "a width without end": (rule("message: '{price:99999999}'"), 7, "99, found {price:99999999}"),
    "a precision without end": (rule("message: '{price:.999f}'"), 7, "at most 99, found {price:.999f}"),
    "a conversion in a message": (rule("message: '{symbol!r}'"), 7, "found {symbol!r}; leave !r out"),
    "half a character": (rule('message: "\\ud83d"'), 7, r"whole characters, found half a .*ud83d"),
    "signs without end": (condition("close > " + "-" * 400 + "1"), 6, "at most 60 .* inside one another"),
    "blanks for a condition": (condition("'  '"), 6, "expected a condition, found nothing"),
    "a pattern that crosses": (condition("hammer crosses_above close"), 6, "`hammer` alone"),
    "open bracket in a message": (rule("message: '{symbol'"), 7, "expected '}'"),
    "bad rule name": (rule(name="Turn!"), 1, "a rule's name"),
    "name of a column": (rule(name="ema_13"), 1, "that no column has, found 'ema_13'"),
    "a rule that is a list": ("turn: [1, 2]\n", 1, "found a list"),
    "an empty rule": ("turn:\n", 1, "found nothing"),
    "rules as a list": ("- turn\n", 1, "expected rules by name, found a list"),
    "an empty file": ("# nothing\n", 1, "found an empty file"),
    "bad YAML": (GOOD + "  cooldown: [4h\n", 7, "expected plain YAML"),
    "bracket in a flow list": (condition("{all: [close > close[-1]]}"), 6, "has brackets in quotes"),
    "a tab": (GOOD + "\tcooldown: 4h\n", 7, "expected plain YAML"),
    "a control character": (GOOD + "\x07\n", 7, "special characters are not allowed"),
    "brackets without end": ("a: " + "[" * 5000, 1, "too many brackets"),
    "an alias": (GOOD.replace("turn:", "turn: &a") + "again: *a\n", 7, "an alias; write it out"),
    "two documents": (GOOD + "---\n" + GOOD, 7, "expected plain YAML"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_mistake_is_refused_with_file_line_expected_and_found(kind: str) -> None:
    text, line, reason = REFUSALS[kind]
    with pytest.raises(BadConfiguration, match=rf"^conf/rules\.yaml, line {line}: .*(?:{reason})") as refusal:
        parse_rules(text, "conf/rules.yaml")
    message = str(refusal.value)
    assert "expected" in message and "found" in message
    assert "\n" not in message


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"rules\.yaml: expected a readable UTF-8 file"):
        read_rules(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_bytes(b"turn: \xff\n")
    with pytest.raises(BadConfiguration, match=r"rules\.yaml, line 1: expected a readable UTF-8 file"):
        read_rules(tmp_path)


def test_conditions_are_parsed_by_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.11's own parser fails where two threads are inside it."""
    parse, inside, most = ast.parse, 0, 0

    def watched(*arguments: Any, **options: Any) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.001)  # lets another thread in, if nothing keeps it out
        inside -= 1
        return parse(*arguments, **options)

    monkeypatch.setattr(ast, "parse", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: parse_rules(GOOD), range(16)))
    assert most == 1
