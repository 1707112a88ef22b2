"""conf/strategies.yaml as values; whatever cannot be used is refused with its file and line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lake.errors import BadInput
from lake.features.registry import near
from lake.market.timeframes import TIMEFRAMES
from lake.rules.document import Node, read_document
from lake.rules.language import GOOD_NAME, Rule, Side

SIDES: tuple[Side, ...] = ("bullish", "bearish")

_REQUIRED = ("description", "timeframe", "enter", "leave")


@dataclass(frozen=True, slots=True)
class Signal:
    """A side of a rule: it holds on every bar on which the rule is on that side."""

    rule: str
    side: Side


@dataclass(frozen=True, slots=True)
class Strategy:
    """Buy while flat and `enter` holds, sell while `leave` holds; `timeframe` is the default of a run."""

    name: str
    description: str
    timeframe: str
    enter: Signal
    leave: Signal

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the names of the rules it reads."""
        return tuple(sorted({self.enter.rule, self.leave.rule}))


def find_strategy(strategies: Mapping[str, Strategy], name: str) -> Strategy:
    """Return the strategy of a name.

    Raises:
        BadInput: there is none.
    """
    if name not in strategies:
        known = ", ".join(sorted(strategies))
        raise BadInput(f"expected a strategy of conf/strategies.yaml, one of {known}, found {name!r}")
    return strategies[name]


def read_strategies(path: Path, rules: Mapping[str, Rule]) -> dict[str, Strategy]:
    """Return the strategies of a file by name.

    Raises:
        BadConfiguration: it is missing or not YAML, or an entry is no strategy over `rules`; names the line.
    """
    entries = read_document(path).entries("strategies by name")
    return {name: _strategy(name, node, rules) for name, node in entries.items()}


def _strategy(name: str, node: Node, rules: Mapping[str, Rule]) -> Strategy:
    if not re.fullmatch(GOOD_NAME, name):
        raise node.refusal("a strategy's name of a-z, 0-9 and _", f"{name!r}; rename it")
    found = node.fields(_REQUIRED, (), f"strategy {name}")
    strategy = Strategy(
        name=name,
        description=found["description"].scalar("a sentence"),
        timeframe=_one_of(found["timeframe"], TIMEFRAMES),
        enter=_signal(found["enter"], rules),
        leave=_signal(found["leave"], rules),
    )
    if strategy.enter == strategy.leave:
        raise found["leave"].refusal("a signal to leave by that is not the one to enter by", "the same")
    for rule in (rules[each] for each in strategy.rules):
        if strategy.timeframe not in rule.timeframes:
            raise found["timeframe"].refusal(
                f"a timeframe of rule {rule.name}, one of {', '.join(rule.timeframes)}",
                f"{strategy.timeframe!r}; choose one of them or extend the rule",
            )
    return strategy


def _signal(node: Node, rules: Mapping[str, Rule]) -> Signal:
    found = node.fields(("rule", "side"), (), "a signal")
    rule = rules[_one_of(found["rule"], tuple(rules))]
    sides = [case.side for case in rule.cases if case.side in SIDES]
    if not sides:
        raise found["rule"].refusal("a rule that can be bullish or bearish on a bar", rule.name)
    side = _one_of(found["side"], tuple(sides))
    return Signal(rule.name, "bullish" if side == "bullish" else "bearish")


def _one_of(node: Node, allowed: tuple[str, ...]) -> str:
    expected = f"one of {', '.join(allowed)}"
    text = node.scalar(expected)
    if text not in allowed:
        raise node.refusal(expected, f"{text!r}{near(text, allowed)}")
    return text
