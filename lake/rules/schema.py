"""JSON Schema of conf/rules.yaml and conf/strategies.yaml for editors, made from the tables of parsing.

It knows every name there is. What it cannot say, such as which rules stand above, only parsing refuses.
"""

from __future__ import annotations

from typing import Any

from lake.features.registry import REGISTRY
from lake.levels.registry import methods
from lake.market.bars import VALUES
from lake.market.timeframes import N_DAYS, TIMEFRAMES
from lake.rules.expressions import LONGEST, WINDOWS
from lake.rules.language import EVENTS, GOOD_COOLDOWN, GOOD_NAME, is_taken
from lake.rules.rule import FIRES, SEVERITIES, SIDES

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_WORDS = ("crosses_above", "crosses_below", "count", *WINDOWS, "bar", "bars")


def rules_schema() -> Schema:
    """Return the schema of a file of rules."""
    taken = [name for name in (*VALUES, *REGISTRY.readable) if is_taken(name)]
    return {
        "$schema": _DRAFT,
        "title": "Rules: when a bar is news",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": _whole(GOOD_NAME), "not": {"enum": taken}},
        "additionalProperties": {"$ref": "#/$defs/rule"},
        "$defs": {
            "rule": _rule(),
            "condition": _condition(),
            "window": {"type": "string", "pattern": r"^\s*[1-9][0-9]{0,4}\s+bars?\s*$"},
            "side": {"enum": list(SIDES)},
            "sentence": {"type": "string", "minLength": 1},
        },
    }


def strategies_schema() -> Schema:
    """Return the schema of a file of strategies."""
    signal = {
        "type": "object",
        "description": "A side of a rule of rules.yaml.",
        "properties": {
            "rule": {"type": "string", "pattern": _whole(GOOD_NAME)},
            "side": {"enum": ["bullish", "bearish"]},
        },
        "required": ["rule", "side"],
        "additionalProperties": False,
    }
    return {
        "$schema": _DRAFT,
        "title": "Strategies that the sandbox can trade",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {
            "type": "object",
            "properties": {
                "description": {"type": "string", "minLength": 1},
                "timeframe": {"enum": list(TIMEFRAMES), "description": "What a run takes by default."},
                "enter": signal,
                "leave": signal,
            },
            "required": ["description", "timeframe", "enter", "leave"],
            "additionalProperties": False,
        },
    }


def _rule() -> Schema:
    return {
        "type": "object",
        "properties": {**_said_of_a_rule(), **_conditions()},
        "required": ["description", "timeframes", "fires", "severity"],
        "additionalProperties": False,
        "oneOf": [
            {"required": ["levels"], "properties": {"fires": {"const": "every_bar"}}, **_without("levels")},
            {"required": ["states"], **_without("states")},
            {"anyOf": [{"required": [name]} for name in SIDES], **_without()},
        ],
    }


def _said_of_a_rule() -> Schema:
    """Return what a rule says besides its conditions."""
    days = "|".join(map(str, N_DAYS))
    return {
        "description": {"$ref": "#/$defs/sentence"},
        "timeframes": {
            "description": "The bars it is for, such as [1d, 1wk, 2d..13d].",
            "type": "array",
            "minItems": 1,
            "items": {"anyOf": [{"enum": list(TIMEFRAMES)}, {"pattern": rf"^({days})d\.\.({days})d$"}]},
        },
        "fires": {"enum": list(FIRES)},
        "severity": {"enum": list(SEVERITIES)},
        "cooldown": {
            "description": "Limits delivery, never what is recorded: 30m, 4h, 5d.",
            "type": "string",
            "pattern": _whole(GOOD_COOLDOWN),
        },
        "message": {"$ref": "#/$defs/sentence"},
        "provisional": {
            "description": "Whether a bar that is still forming may give an alert.",
            "enum": [True, False, "true", "false"],
        },
    }


def _conditions() -> Schema:
    """Return the three ways to say when a rule holds."""
    condition, side = {"$ref": "#/$defs/condition"}, {"$ref": "#/$defs/side"}
    case = {
        "type": "object",
        "properties": {"side": side, "when": condition},
        "required": ["side", "when"],
        "additionalProperties": False,
    }
    return {
        "precedence": {
            "description": "The sides, first the one that counts where several hold.",
            "type": "array",
            "items": side,
            "uniqueItems": True,
        },
        **dict.fromkeys(SIDES, condition),
        "states": {
            "description": "Named states; the first that holds counts.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": _whole(GOOD_NAME)},
            "additionalProperties": case,
        },
        "levels": _levels(condition),
    }


def _without(kept: str | None = None) -> Schema:
    """Return that a rule has none of the ways to say when it fires that go with another one."""
    others = [name for name in ("levels", "states") if name != kept]
    others += [*SIDES, "precedence"] if kept else []
    return {"not": {"anyOf": [{"required": [name]} for name in others]}}


def _levels(condition: Schema) -> Schema:
    return {
        "description": "An event at the nearest support or resistance that one of some methods found.",
        "type": "object",
        "properties": {
            "event": {"enum": list(EVENTS)},
            "methods": {"type": "array", "minItems": 1, "items": {"enum": list(methods())}},
            "when": condition,
        },
        "required": ["event", "methods"],
        "additionalProperties": False,
    }


def _condition() -> Schema:
    condition, window = {"$ref": "#/$defs/condition"}, {"$ref": "#/$defs/window"}
    several = {"type": "array", "minItems": 1, "items": condition}
    group = {
        "type": "object",
        "properties": {
            "all": several,
            "any": several,
            "not": condition,
            "for": window,
            "within": window,
            "on": {"type": "string", "pattern": rf"^({'|'.join(TIMEFRAMES)})( bars)?$"},
        },
        "additionalProperties": False,
        "oneOf": [{"required": [kind]} for kind in ("all", "any", "not")],
        "not": {
            "anyOf": [{"required": pair} for pair in (["for", "within"], ["for", "on"], ["within", "on"])]
        },
    }
    text = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": _words()}
    return {"anyOf": [text, group], "examples": ["ema_8 > ema_13", "macd crosses_above macd_signal on 1d"]}


def _words() -> str:
    """Return the pattern of texts whose every word is known: a value, a column, a state, a number."""
    names = sorted({*VALUES, *REGISTRY.readable, *_WORDS})
    word = rf"(?:{'|'.join(names)})(?![A-Za-z0-9_.])"
    state = r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*(?![A-Za-z0-9_.])"
    number = r"[0-9][0-9A-Za-z.]*(?![0-9A-Za-z.])"
    return rf"^(?:{word}|{state}|{number}|[-+*/()<>=!,\[\]\s])+$"


def _whole(pattern: str) -> str:
    return f"^{pattern}$"
