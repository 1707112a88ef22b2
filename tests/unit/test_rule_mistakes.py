"""Kinds of mistake in a rule file, and in a file of strategies: each refusal names file, line, what was
expected, what was found, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from lake.errors import BadConfiguration
from lake.rules.document import LARGEST_FILE
from lake.rules.language import parse_rules, read_rules
from lake.sandbox.strategies import read_strategies
from tests.conftest import CHECKOUT
from tests.unit.test_rules_language import GOOD, STATES, after_states, condition, rule


class Mistake(NamedTuple):
    """A text, the line of its mistake, and a part of each thing that its refusal says."""

    text: str | bytes
    line: int
    expected: str
    found: str
    remedy: str


COMPARISON = "expected a comparison such as `ema_8 > ema_13`"
BOMB = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(3))
LEVELS = rule("levels: {event: touch, methods: [fractal]}", without="bullish").replace(
    "on_change", "every_bar"
)

MISTAKES = {
    # The file.
    "not UTF-8": Mistake(
        GOOD.encode() + b"# caf\xe9\n", 7, "a readable UTF-8 file", "byte 0xe9", "save it as"
    ),
    "UTF-16": Mistake(GOOD.encode("utf-16"), 1, "a readable UTF-8 file", "byte 0xff", "save it as UTF-8"),
    "a huge file": Mistake(
        GOOD + "#" * LARGEST_FILE, 1, "at most 1,000,000 bytes", "1,000,1", "the right one?"
    ),
    "an empty file": Mistake("# nothing\n", 1, "names with what they mean", "an empty file", "copy conf/"),
    "a binary file": Mistake(
        b"PK\x03\x04\x00", 1, "plain YAML", "special characters", "delete the character"
    ),
    # YAML.
    "a tab": Mistake(GOOD + "\tcooldown: 4h\n", 7, "plain YAML", r"'\t'", "indent with spaces"),
    "an open bracket": Mistake(
        GOOD + "  cooldown: [4h\n", 7, "plain YAML", "stream end", "close the bracket"
    ),
    "an open quote": Mistake(GOOD + "  message: 'x\n", 7, "plain YAML", "end of stream", "close the quote"),
    "a wrong indent": Mistake(GOOD + "   cooldown: 4h\n", 7, "plain YAML", "mapping values", "indent it as"),
    "no colon": Mistake(GOOD + "  cooldown 4h\n  x: y\n", 7, "plain YAML", "expected ':'", "write a colon"),
    "brackets in a flow list": Mistake(
        condition("{all: [macd > macd[-1]]}"),
        6,
        "plain YAML",
        "got '['",
        "put a condition that has brackets in",
    ),
    "a bomb of anchors": Mistake(BOMB, 2, "plain YAML", "an alias", "write it out"),
    "two documents": Mistake(
        GOOD + "---\n" + GOOD, 7, "plain YAML", "another document", "remove the line ---"
    ),
    "a key twice": Mistake(rule("fires: every_bar"), 7, "fires once", "first on line 4", "remove one"),
    "a rule twice": Mistake(GOOD + GOOD, 7, "turn once", "first on line 1", "remove one"),
    # Keys and their values.
    "an unknown key": Mistake(rule("sevrity: info"), 7, "in rule turn", "'sevrity'", "near severity"),
    "an empty rule": Mistake("turn:\n", 1, "rule turn with description", "nothing", "with description, time"),
    "a key that is missing": Mistake(
        rule(without="severity"), 1, "rule turn with severity", "only description", "with severity"
    ),
    "a wrong type": Mistake(
        rule("timeframes: 1d", without="timeframes"), 6, "a list", "one value", "such as [1d, 1wk, 2d..13d]"
    ),
    "an unknown timeframe": Mistake(
        rule("timeframes: [1d, 15min]", without="timeframes"), 6, "timeframes of 1m", "'15min'", "near 15m"
    ),
    "a range backwards": Mistake(
        rule("timeframes: [9d..2d]", without="timeframes"), 6, "a range", "'9d..2d'", "such as 2d..13d"
    ),
    "an unknown word of choice": Mistake(
        rule("fires: on_chnage", without="fires"),
        6,
        "one of on_change, every_bar",
        "'on_chnage'",
        "near on_change",
    ),
    "a bad cooldown": Mistake(rule("cooldown: 4 hours"), 7, "a time", "'4 hours'", "such as 30m, 4h or 5d"),
    "a name that a column has": Mistake(
        rule(name="rsi_14"), 1, "a rule's name", "'rsi_14', a column", "choose an"
    ),
    "a name that cannot be one": Mistake(rule(name="My-Rule"), 1, "a-z, 0-9 and _", "'My-Rule'", "rename it"),
    "no side at all": Mistake(
        rule(without="bullish"), 1, "at least one of bullish", "none", "with states, levels"
    ),
    "no precedence": Mistake(
        rule("bearish: close < 1"),
        1,
        "precedence of rule turn",
        "none",
        "say which side counts where both hold",
    ),
    "states beside sides": Mistake(STATES + "  bullish: close > 1\n", 12, "states alone", "bullish", "first"),
    "levels beside sides": Mistake(
        LEVELS + "  bullish: hammer\n",
        7,
        "rule turn with levels alone",
        "bullish",
        "each event has its own side",
    ),
    "an unknown event": Mistake(
        LEVELS.replace("touch", "tuoch"), 6, "touch, bounce, break", "'tuoch'", "near touch"
    ),
    "an unknown method": Mistake(
        LEVELS.replace("fractal", "fractals"), 6, "pivot", "'fractals'", "near fractal"
    ),
    "levels on change": Mistake(
        LEVELS.replace("every_bar", "on_change"), 4, "every_bar", "on_change", "each event at a level is news"
    ),
    # Messages.
    "an unknown name in a message": Mistake(
        rule("message: '{symbl} rose'"), 7, "names such as {symbol}", "{symbl}", "near symbol"
    ),
    "a bad format in a message": Mistake(
        rule("message: '{price:.2q}'"),
        7,
        "a message with names",
        "format code 'q'",
        "such as {symbol} or {close:.2f}",
    ),
    # Conditions.
    "an unknown column": Mistake(
        condition("close > ema_14"), 6, "a registered column", "'ema_14'", "near ema_144"
    ),
    "nothing like a column": Mistake(
        condition("close > hello"), 6, "column", "'hello'", "`lake columns` lists them"
    ),
    "one equals sign": Mistake(condition("color = 1"), 6, COMPARISON, "'color = 1'", "write == for ="),
    "an arrow for at least": Mistake(
        condition("close => 5"), 6, COMPARISON, "'close => 5'", "write >= for =>"
    ),
    "brackets that stay open": Mistake(
        condition("(close > 1"), 6, COMPARISON, "'(close > 1'", "close its brackets"
    ),
    "and in a text": Mistake(
        condition("close > 1 and close < 2"), 6, "one comparison", "and", "write and, or, not as `all:`"
    ),
    "a list where a group is meant": Mistake(
        condition("[close > 1]"), 6, "a condition", "a list", "put it under `all:`"
    ),
    "a function": Mistake(
        condition("max(open, close) > 1"), 6, "a column", "max(open", "only + - * / and brackets"
    ),
    "a bar of the future": Mistake(
        condition("close > close[1]"), 6, "an earlier bar", "close[1]", "never ahead"
    ),
    "a window without a number": Mistake(
        condition("close > 1 for a week"), 6, "`for N bars`", "`for a week`", "N from 1"
    ),
    "a pattern beside a price": Mistake(
        condition("hammer > close"), 6, "`hammer` alone, or compared with a number", "beside close", "alone"
    ),
    "a pattern beside a large number": Mistake(
        condition("hammer > 50"), 6, "`hammer` alone: a pattern is there or not", "it beside 50", "alone"
    ),
    "a rule without its state": Mistake(
        after_states("pace"), 17, "one of `pace.fast`, `pace.slow`", "'pace' alone", "which does not say when"
    ),
    "a later rule": Mistake(
        condition("pace.slow") + STATES, 6, "a rule that stands above this one", "'pace'", "move a rule up"
    ),
    "a rule that names itself": Mistake(
        condition("turn.bullish"), 6, "a rule that stands above this one", "'turn'", "move a rule up"
    ),
    "another timeframe that is none": Mistake(
        condition("close > 1 on 1week"), 6, "`on` with one of 1m", "'1week'", "near 1wk"
    ),
    "groups too deep": Mistake(
        condition("{not: " * 21 + "close > 1" + "}" * 21), 6, "at most 20 groups", "more", "a rule of its own"
    ),
    "a very long condition": Mistake(
        condition("close > " + "1 + " * 200 + "1"),
        6,
        "at most 500 characters",
        "809",
        "split it under `all:`",
    ),
    "a condition on nothing": Mistake(
        condition("2 > 1"), 6, "a condition on a bar value", "`2 > 1`", "or a column"
    ),
}


def refusal(folder: Path, mistake: Mistake) -> str:
    path = folder / "rules.yaml"
    path.write_bytes(mistake.text if isinstance(mistake.text, bytes) else mistake.text.encode())
    with pytest.raises(BadConfiguration) as refused:
        read_rules(folder)
    return str(refused.value).removeprefix(f"{path}, ")


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_refused_with_line_expected_found_and_remedy(tmp_path: Path, kind: str) -> None:
    mistake = MISTAKES[kind]
    message = refusal(tmp_path, mistake)
    assert message.startswith(f"line {mistake.line}: expected ")
    expected, found = message.split(", found ", 1)
    assert mistake.expected in expected
    assert mistake.found in found
    assert mistake.remedy in message
    assert "\n" not in message and len(message) < 600


def test_there_are_more_than_thirty_kinds_and_no_two_read_alike(tmp_path: Path) -> None:
    assert len(MISTAKES) >= 50
    said = {refusal(tmp_path, mistake) for mistake in MISTAKES.values()}
    assert len(said) == len(MISTAKES)


def test_what_is_right_beside_each_mistake_is_taken(tmp_path: Path) -> None:
    """The texts that mistakes are planted in are good, so that it is the mistake that is refused."""
    for text in (
        GOOD,
        STATES,
        LEVELS,
        after_states("pace.slow"),
        condition("hammer > 0"),
        rule("cooldown: 4h"),
    ):
        assert parse_rules(text)


RULES = read_rules(CHECKOUT / "conf")
STRATEGY = """\
swing:
  description: Hold what rises.
  timeframe: 1d
  enter: {rule: dual_channel, side: bullish}
  leave: {rule: dual_channel, side: bearish}
"""
STRATEGY_MISTAKES = {
    "not UTF-8": (STRATEGY.encode() + b"# \xff", 6, "a readable UTF-8 file", "byte 0xff", "save it as UTF-8"),
    "an empty file": ("", 1, "names with what they mean", "an empty file", "copy conf/"),
    "a tab": (STRATEGY + "\tx: y\n", 6, "plain YAML", r"'\t'", "indent with spaces"),
    "a strategy twice": (STRATEGY + STRATEGY, 6, "swing once", "first on line 1", "remove one"),
    "a key twice": (STRATEGY + "  timeframe: 1d\n", 6, "timeframe once", "first on line 3", "remove one"),
    "an unknown key": (STRATEGY + "  stopp: 5%\n", 6, "in strategy swing", "'stopp'", "one of description"),
    "a name that cannot be one": (
        STRATEGY.replace("swing", "My swing"),
        1,
        "a-z, 0-9 and _",
        "'My swing'",
        "rename",
    ),
    "an unknown timeframe": (STRATEGY.replace("1d", "1day"), 3, "one of 1m", "'1day'", "near 1d"),
    "an unknown rule": (
        STRATEGY.replace("rule: dual_channel, side: bearish", "rule: dual_chanel, side: bearish"),
        5,
        "one of dual_channel",
        "'dual_chanel'",
        "near dual_channel",
    ),
    "a side it cannot take": (
        STRATEGY.replace("side: bearish", "side: neutral"),
        5,
        "one of",
        "'neutral'",
        "bullish",
    ),
    "a rule about levels": (
        STRATEGY.replace("{rule: dual_channel, side: bullish}", "{rule: level_touch, side: bullish}"),
        4,
        "a rule that can be bullish or bearish",
        "level_touch",
        "on a bar",
    ),
    "the same signal twice": (
        STRATEGY.replace("bearish", "bullish"),
        5,
        "a signal to leave by",
        "the same",
        "not the one to enter by",
    ),
    "a signal without a side": (
        STRATEGY.replace(", side: bullish", ""),
        4,
        "a signal with side",
        "only rule",
        "with side",
    ),
    "a timeframe the rule is not for": (
        STRATEGY.replace("timeframe: 1d", "timeframe: 5m"),
        3,
        "a timeframe of rule dual_channel",
        "'5m'",
        "extend the rule",
    ),
}


@pytest.mark.parametrize("kind", STRATEGY_MISTAKES)
def test_a_mistake_in_a_strategy_is_refused_alike(tmp_path: Path, kind: str) -> None:
    text, line, expected, found, remedy = STRATEGY_MISTAKES[kind]
    path = tmp_path / "strategies.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadConfiguration) as refused:
        read_strategies(path, RULES)
    message = str(refused.value)
    assert message.startswith(f"{path}, line {line}: expected ")
    assert expected in message.split(", found ")[0]
    assert found in message.split(", found ", 1)[1]
    assert remedy in message
