"""conf/rules.yaml: named rules, parsed into frozen values or refused with file, line and reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from string import Formatter
from typing import Literal, TypeVar, get_args

from lake.features.registry import REGISTRY, near
from lake.market.bars import VALUES
from lake.market.timeframes import TIMEFRAMES
from lake.rules.conditions import All, Any, Condition, Not, values_of
from lake.rules.document import Node, parse_document, read_document
from lake.rules.expressions import Refused, Scope, in_window, parse_condition

Side = Literal["bullish", "bearish", "neutral"]
Fires = Literal["on_change", "every_bar"]
Severity = Literal["info", "warning", "critical"]

SIDES: tuple[Side, ...] = get_args(Side)
FIRES: tuple[Fires, ...] = get_args(Fires)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

MESSAGE_FIELDS = ("rule", "variant", "side", "symbol", "timeframe", "ts", "closes_at", "price")
"""What a message template may name besides bar values and columns."""

DEEPEST = 20
"""How deep groups of conditions may nest."""

Name = TypeVar("Name", bound=str)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RANGE = re.compile(r"\d{1,2}d\.\.\d{1,2}d")
_COOLDOWN = re.compile(r"([1-9]\d{0,4})([mhd])")
_COOLDOWN_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_REQUIRED = ("description", "timeframes", "fires", "severity")
_OPTIONAL = ("cooldown", "message", "precedence", *SIDES, "states")


@dataclass(frozen=True, slots=True)
class Case:
    """One side of a rule, or one of its named states with the side it takes, and when it holds."""

    side: Side
    condition: Condition
    state: str | None = None

    @property
    def variant(self) -> str:
        """Return what sets alerts of this case apart from those of the rule's others."""
        return self.state or self.side


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Where several of its cases hold on one bar, the first of them counts.

    `cooldown` limits delivery only, never what is recorded.
    """

    name: str
    description: str
    timeframes: tuple[str, ...]
    fires: Fires
    severity: Severity
    cases: tuple[Case, ...]
    cooldown: timedelta | None = None
    message: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the registered columns its conditions read, by name."""
        read = {value.name for case in self.cases for value in values_of(case.condition)}
        return tuple(sorted(read - set(VALUES)))


def read_rules(conf_folder: Path) -> dict[str, Rule]:
    """Return the rules of conf/rules.yaml by name, in the order of the file.

    Raises:
        BadConfiguration: the file or a rule in it cannot be used; names file and line.
    """
    return _rules(read_document(conf_folder / "rules.yaml"))


def parse_rules(text: str, origin: str = "rules") -> dict[str, Rule]:
    """Return the rules of YAML text; `origin` names it in refusals.

    Raises:
        BadConfiguration: a rule cannot be used; names origin and line.
    """
    return _rules(parse_document(text, origin))


def rules_for(rules: dict[str, Rule], timeframe: str) -> list[Rule]:
    """Return the rules that name a timeframe."""
    return [rule for rule in rules.values() if timeframe in rule.timeframes]


def _rules(root: Node) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    states: dict[str, dict[str, Condition]] = {}
    scope = Scope((*VALUES, *REGISTRY.readable), REGISTRY.flags, states)
    for name, node in root.entries("rules by name").items():
        rules[name] = _rule(name, node, scope)
        states[name] = _states_of(rules[name])
    return rules


def _states_of(rule: Rule) -> dict[str, Condition]:
    """Return when each case of a rule is the one that counts: it holds and none before it does."""
    earlier: tuple[Condition, ...] = ()
    found: dict[str, Condition] = {}
    for case in rule.cases:
        found[case.variant] = All((*earlier, case.condition)) if earlier else case.condition
        earlier += (Not(case.condition),)
    return found


def _rule(name: str, node: Node, scope: Scope) -> Rule:
    if not _NAME.fullmatch(name) or _is_taken(name):
        raise node.refusal("a rule's name of a-z, 0-9 and _ that no column has", repr(name))
    fields = node.fields(_REQUIRED, _OPTIONAL, f"rule {name}")
    return Rule(
        name=name,
        description=fields["description"].scalar("a sentence"),
        timeframes=_timeframes(fields["timeframes"]),
        fires=_choice(fields["fires"], FIRES),
        severity=_choice(fields["severity"], SEVERITIES),
        cases=_cases(name, node, fields, scope),
        cooldown=_cooldown(fields["cooldown"]) if "cooldown" in fields else None,
        message=_message(fields["message"]) if "message" in fields else None,
    )


def _is_taken(name: str) -> bool:
    """Return whether a name is a value's; a rule may be called as the pattern that it reports."""
    return name in VALUES or (name in REGISTRY.readable and not REGISTRY.indicator(name).is_sparse)


def _cases(name: str, node: Node, fields: dict[str, Node], scope: Scope) -> tuple[Case, ...]:
    sides = [side for side in SIDES if side in fields]
    if "states" not in fields:
        if not sides:
            raise node.refusal(f"rule {name} with states or at least one of {', '.join(SIDES)}", "none")
        return tuple(Case(s, _condition(fields[s], scope)) for s in _precedence(name, node, fields))
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
    return Case(_choice(fields["side"], SIDES), _condition(fields["when"], scope), name)


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
                f"timeframes of {', '.join(TIMEFRAMES)}, or a range such as 2d..13d", repr(text)
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


def _message(node: Node) -> str:
    text = node.scalar("a message")
    numbers = ("price", *VALUES, *REGISTRY.readable)
    allowed = {*MESSAGE_FIELDS, *numbers}
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if name is None:
                continue
            if name not in allowed or conversion:
                raise node.refusal(
                    f"names such as {{symbol}} among {', '.join(MESSAGE_FIELDS)}, bar values and columns",
                    f"{{{name}}}{near(name, allowed)}",
                )
            format(1.0 if name in numbers else "", form or "")
    except ValueError as error:
        raise node.refusal(
            "a message with names such as {symbol} or {close:.2f}", f"{text!r}: {error}"
        ) from None
    return text


def _condition(node: Node, scope: Scope) -> Condition:
    condition = _parsed(node, scope, DEEPEST)
    if not any(True for _ in values_of(condition)):
        raise node.refusal("a condition on a bar value or a column", f"`{condition}`")
    return condition


def _parsed(node: Node, scope: Scope, depth: int) -> Condition:
    if depth == 0:
        raise node.refusal(f"at most {DEEPEST} groups inside one another", "more")
    if node.is_mapping:
        return _group(node, scope, depth)
    if not node.is_scalar:
        raise node.refusal("a condition", "a list; put it under `all:` or `any:`")
    try:
        return parse_condition(node.scalar("a condition"), scope)
    except Refused as refused:
        raise node.refusal(refused.expected, refused.found) from None


def _group(node: Node, scope: Scope, depth: int) -> Condition:
    fields = node.fields((), ("all", "any", "not", "for", "within"), "a condition")
    kinds = [kind for kind in ("all", "any", "not") if kind in fields]
    windows = [word for word in ("for", "within") if word in fields]
    if len(kinds) != 1 or len(windows) > 1:
        raise node.refusal(
            "one of all, any, not, with at most one of for, within", ", ".join(fields) + "; nest them instead"
        )
    condition = _kind(kinds[0], fields[kinds[0]], scope, depth - 1)
    for word in windows:
        try:
            condition = in_window(condition, word, fields[word].scalar("a number of bars"))
        except Refused as refused:
            raise fields[word].refusal(refused.expected, refused.found) from None
    return condition


def _kind(kind: str, node: Node, scope: Scope, depth: int) -> Condition:
    if kind == "not":
        return Not(_parsed(node, scope, depth))
    group: type[All] | type[Any] = All if kind == "all" else Any
    parts: list[Condition] = []
    for item in node.items(f"a list of conditions under {kind}"):
        part = _parsed(item, scope, depth)
        # An all inside an all says nothing new, so it shall not make another version either.
        parts += part.parts if isinstance(part, group) else (part,)
    return group(tuple(parts))
