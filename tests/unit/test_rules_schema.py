"""The JSON Schemas in conf/: current, true to the files beside them, and refusing what parsing refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from lake.rules.schema import rules_schema, strategies_schema
from tests.conftest import CHECKOUT
from tests.unit.test_rules_language import GOOD, REFUSALS, STATES, condition, rule

jsonschema = pytest.importorskip("jsonschema")

CONF = CHECKOUT / "conf"
SCHEMAS = {"rules": rules_schema, "strategies": strategies_schema}


class Plain(yaml.BaseLoader):
    """Reads every scalar as text, as YAML 1.2 editors read `on` and as rules are read."""


def errors(name: str, text: str) -> list[Any]:
    validator = jsonschema.Draft202012Validator(SCHEMAS[name]())
    return list(validator.iter_errors(yaml.load(text, Plain)))


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_in_conf_is_what_the_code_says(name: str) -> None:
    """Where columns, methods or timeframes have changed: `lake rules schema > conf/rules.schema.json`."""
    written = json.loads((CONF / f"{name}.schema.json").read_text())
    assert written == SCHEMAS[name]()
    jsonschema.Draft202012Validator.check_schema(written)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_shipped_file_is_valid_and_names_its_schema(name: str) -> None:
    text = (CONF / f"{name}.yaml").read_text()
    assert text.startswith(f"# yaml-language-server: $schema={name}.schema.json\n")
    assert errors(name, text) == []


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        STATES,
        rule("cooldown: 4h", "bearish: close < 1", "precedence: [bearish, bullish]"),
        condition('"macd > macd[-1] for 3 bars on 1wk within 2 bars"'),
        condition("{any: [hammer, {not: close > -1.5e3}], on: 30m}"),
        condition("count(velocity.loss, 15)[-1] + 1 > 2 * count(cdl_doji, 3)"),
    ],
)
def test_what_parsing_takes_the_schema_takes(text: str) -> None:
    assert errors("rules", text) == []


ONLY_PARSING = {
    # What a schema cannot say: which rule stands above, how a text is built, how deep groups nest.
    "no comparison", "a pattern of the future", "rule that is not above", "state of no rule",
    "state of itself", "unknown state", "state as a number", "count of nothing", "count without bars",
    "count of too many bars", "count of half a bar", "count of a value", "count ahead", "count alone",
    "single equals", "odd operator", "an attribute", "power", "an endless number", "a very long number",
    "the future", "no bars ago", "too far back", "half a cross", "two crosses", "comparison in a cross",
    "zero bars", "half a bar", "only numbers", "unbalanced", "nested too deep", "its own timeframe",
    "two sides without precedence", "precedence of another side", "precedence that forgets one",
    "unknown name in a message", "attribute in a message", "nameless field in a message",
    "bad format in a message", "open bracket in a message", "a width without end",
    "a precision without end", "a conversion in a message", "half a character", "signs without end",
    "blanks for a condition", "a pattern that crosses", "key twice", "name twice", "bad range",
    "one other timeframe inside another", "unknown other timeframe", "two other timeframes",
}  # fmt: skip
NO_YAML = {
    "bad YAML", "bracket in a flow list", "a tab", "a control character", "brackets without end", "an alias",
    "two documents", "a slice", "rules as a list", "an empty file",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(REFUSALS.keys() - ONLY_PARSING - NO_YAML))
def test_what_the_schema_can_say_it_refuses(kind: str) -> None:
    assert errors("rules", REFUSALS[kind][0])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("enter:", "entre:"),
        ("timeframe: 1d", "timeframe: 1day"),
        ("side: bullish", "side: neutral"),
        ("description: Hold while", "descripton: Hold while"),
    ],
)
def test_a_bad_strategy_is_refused_by_the_schema(old: str, new: str) -> None:
    text = (CONF / "strategies.yaml").read_text()
    assert old in text
    assert errors("strategies", text.replace(old, new))
