"""conf/rules.yaml: named rules, parsed into frozen values or refused with file, line and reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, get_args

from lake.features.registry import REGISTRY, near
from lake.levels.level import EventName
from lake.levels.registry import methods
from lake.market.bars import VALUES
from lake.market.timeframes import TIMEFRAMES
from lake.rules.condition_nodes import condition_of
from lake.rules.conditions import All, Condition, Unless
from lake.rules.document import Node, parse_document, read_document
from lake.rules.expressions import Scope
from lake.rules.messages import message_of
from lake.rules.rule import FIRES, SEVERITIES, SIDES, Case, Fires, LevelTrigger, Rule, Severity, Side

__all__ = [
    "Case",
    "Fires",
    "LevelTrigger",
    "Rule",
    "Severity",
    "Side",
    "parse_rules",
    "read_rule_file",
    "read_rules",
    "rules_for",
    "states_of",
]

EVENTS: tuple[EventName, ...] = get_args(EventName)

Name = TypeVar("Name", bound=str)

GOOD_NAME = "[a-z][a-z0-9_]{0,63}"
GOOD_COOLDOWN = "([1-9][0-9]{0,4})([mhd])"

_NAME = re.compile(GOOD_NAME)
_RANGE = re.compile(r"\d{1,2}d\.\.\d{1,2}d")
_COOLDOWN = re.compile(GOOD_COOLDOWN)
_COOLDOWN_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_REQUIRED = ("description", "timeframes", "fires", "severity")
_YES_OR_NO = ("true", "false")
_OPTIONAL = ("cooldown", "message", "precedence", *SIDES, "states", "levels", "provisional")


def read_rules(conf_folder: Path) -> dict[str, Rule]:
    """Return the rules of conf/rules.yaml by name, in the order of the file.

    Raises:
        BadConfiguration: the file or a rule in it cannot be used; names file and line.
    """
    return read_rule_file(conf_folder / "rules.yaml")


def read_rule_file(path: Path) -> dict[str, Rule]:
    """Return the rules of a file by name, in its order.

    Raises:
        BadConfiguration: the file or a rule in it cannot be used; names file and line.
    """
    return _rules(read_document(path))


def parse_rules(text: str, origin: str = "rules") -> dict[str, Rule]:
    """Return the rules of YAML text; `origin` names it in refusals.

    Raises:
        BadConfiguration: a rule cannot be used; names origin and line.
    """
    return _rules(parse_document(text, origin))


def rules_for(rules: Mapping[str, Rule], timeframe: str) -> list[Rule]:
    """Return the rules that name a timeframe."""
    return [rule for rule in rules.values() if timeframe in rule.timeframes]


def _rules(root: Node) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    states: dict[str, dict[str, Condition]] = {}
    marks = [name for name in REGISTRY.flags if REGISTRY.indicator(name).type == "int8"]
    scope = Scope((*VALUES, *REGISTRY.readable), REGISTRY.flags, marks, states)
    entries = root.entries("rules by name")
    for name, node in entries.items():
        rules[name] = _rule(name, node, scope)
        if rules[name].cases:
            states[name] = states_of(rules[name])
    texts = _texts(root, {name: node.line for name, node in entries.items()})
    return {name: replace(rule, text=texts[name]) for name, rule in rules.items()}


def _texts(root: Node, begins: Mapping[str, int]) -> dict[str, str]:
    """Return the text of each rule after those of the rules that it names, given the line each begins on."""
    if root.is_in_braces:  # no part of it can be read by itself: the file is their text
        return dict.fromkeys(begins, root.text)
    lines = root.text.splitlines()
    ends = [*(line - 1 for line in begins.values()), len(lines)][1:]
    own, named, found = dict[str, str](), dict[str, list[str]](), dict[str, str]()
    for (name, begin), end in zip(begins.items(), ends, strict=True):
        own[name] = "\n".join(lines[begin - 1 : end]).rstrip() + "\n"
        direct = [each for each in named if re.search(rf"\b{each}\.", own[name])]
        named[name] = [each for each in named if any(each in (one, *named[one]) for one in direct)]
        found[name] = "".join(own[each] for each in (*named[name], name))
    return found


def states_of(rule: Rule) -> dict[str, Condition]:
    """Return when each case of a rule is the one that counts: it holds and none before it does."""
    earlier: tuple[Condition, ...] = ()
    found: dict[str, Condition] = {}
    for case in rule.cases:
        found[case.variant] = All((*earlier, case.condition)) if earlier else case.condition
        earlier += (Unless(case.condition),)  # as `cases_of`: what is unknown does not count
    return found


def _rule(name: str, node: Node, scope: Scope) -> Rule:
    if not _NAME.fullmatch(name) or is_taken(name):
        found = f"{name!r}, a column; choose another name" if is_taken(name) else f"{name!r}; rename it"
        raise node.refusal("a rule's name of a-z, 0-9 and _ that no column has", found)
    fields = node.fields(_REQUIRED, _OPTIONAL, f"rule {name}")
    levels = _levels(name, fields, scope) if "levels" in fields else None
    message, shown = message_of(fields["message"], levels is not None) if "message" in fields else (None, ())
    rule = Rule(
        name=name,
        description=fields["description"].scalar("a sentence"),
        timeframes=_timeframes(fields["timeframes"]),
        fires=_choice(fields["fires"], FIRES),
        severity=_choice(fields["severity"], SEVERITIES),
        cases=_cases(name, node, fields, scope) if levels is None else (),
        cooldown=_cooldown(fields["cooldown"]) if "cooldown" in fields else None,
        is_provisional="provisional" in fields and _choice(fields["provisional"], _YES_OR_NO) == "true",
        message=message,
        levels=levels,
        shown=shown,
    )
    if own := next((each for each in rule.asks if each.timeframe in rule.timeframes), None):
        raise node.refusal(
            f"rule {name} to ask another timeframe than its own ({', '.join(rule.timeframes)})",
            f"`{own}`; leave `on {own.timeframe}` out, or split the rule",
        )
    return rule


def is_taken(name: str) -> bool:
    """Return whether a name is a value's; a rule may be called as the pattern that it reports."""
    return name in VALUES or (name in REGISTRY.readable and not REGISTRY.indicator(name).is_sparse)


def _cases(name: str, node: Node, fields: dict[str, Node], scope: Scope) -> tuple[Case, ...]:
    sides = [side for side in SIDES if side in fields]
    if "states" not in fields:
        if not sides:
            raise node.refusal(
                f"rule {name} with states, levels or at least one of {', '.join(SIDES)}", "none"
            )
        return tuple(Case(s, condition_of(fields[s], scope)) for s in _precedence(name, node, fields))
    if others := [*sides, *(["precedence"] if "precedence" in fields else [])]:
        raise fields[others[0]].refusal(
            f"rule {name} with states alone, the one that counts first where several hold first", others[0]
        )
    states = fields["states"].entries("states by name")
    return tuple(_state(state, each, scope) for state, each in states.items())


def _state(name: str, node: Node, scope: Scope) -> Case:
    if not _NAME.fullmatch(name):
        raise node.refusal("a state's name of a-z, 0-9 and _", repr(name))
    fields = node.fields(("side", "when"), (), f"state {name}")
    return Case(_choice(fields["side"], SIDES), condition_of(fields["when"], scope), name)


def _levels(name: str, fields: dict[str, Node], scope: Scope) -> LevelTrigger:
    """Return the events that a rule about levels waits for."""
    node = fields["levels"]
    if others := [each for each in (*SIDES, "states", "precedence") if each in fields]:
        raise fields[others[0]].refusal(
            f"rule {name} with levels alone, each event has its own side", others[0]
        )
    if _choice(fields["fires"], FIRES) != "every_bar":
        raise fields["fires"].refusal(
            f"every_bar in rule {name}, since each event at a level is news", "on_change"
        )
    found = node.fields(("event", "methods"), ("when",), f"levels of rule {name}")
    chosen = [_choice(item, tuple(methods())) for item in found["methods"].items("a list such as [fractal]")]
    known = tuple(each for each in methods() if each in chosen)
    condition = condition_of(found["when"], scope) if "when" in found else None
    return LevelTrigger(_choice(found["event"], EVENTS), known, condition)


def _choice(node: Node, allowed: tuple[Name, ...]) -> Name:
    expected = f"one of {', '.join(allowed)}"
    text = node.scalar(expected)
    for name in allowed:
        if text == name:
            return name
    raise node.refusal(expected, f"{text!r}{near(text, allowed)}")


def _timeframes(node: Node) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for item in node.items("a list such as [1d, 1wk, 2d..13d]"):
        text = item.scalar("a timeframe")
        found = _range(text) if _RANGE.fullmatch(text) else [text]
        if not found or not set(found) <= set(TIMEFRAMES):
            raise item.refusal(
                f"timeframes of {', '.join(TIMEFRAMES)}, or a range such as 2d..13d",
                f"{text!r}{near(text, TIMEFRAMES)}",
            )
        names |= dict.fromkeys(found)
    return tuple(names)


def _range(text: str) -> list[str]:
    first, last = (int(part.removesuffix("d")) for part in text.split(".."))
    return [f"{n}d" for n in range(first, last + 1)]


def _precedence(name: str, rule: Node, fields: dict[str, Node]) -> list[Side]:
    """Return the sides of a rule, the one that counts first where several hold first."""
    sides = [side for side in SIDES if side in fields]
    expected = f"precedence of rule {name}: a list of {', '.join(sides)}, first the side that wins"
    if "precedence" not in fields:
        if len(sides) > 1:
            raise rule.refusal(expected, "none; say which side counts where both hold")
        return sides
    node = fields["precedence"]
    order = [_choice(item, SIDES) for item in node.items(expected)]
    if sorted(order) != sorted(sides):
        raise node.refusal(expected, ", ".join(order))
    return order


def _cooldown(node: Node) -> timedelta:
    text = node.scalar("a time such as 30m, 4h or 5d")
    if not (match := _COOLDOWN.fullmatch(text)):
        raise node.refusal("a time such as 30m, 4h or 5d", repr(text))
    return timedelta(**{_COOLDOWN_UNITS[match[2]]: int(match[1])})
