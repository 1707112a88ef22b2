"""conf/strategies.yaml as values; whatever cannot be used is refused with its file and line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lake.errors import BadConfiguration, BadInput
from lake.market.timeframes import TIMEFRAMES

SIDES = ("bullish", "bearish")

_STRATEGY_KEYS = ("description", "timeframe", "enter", "leave")
_SIGNAL_KEYS = ("rule", "side")


@dataclass(frozen=True, slots=True)
class Signal:
    """A side of a rule: it holds at every bar on which the rule is on that side."""

    rule: str
    side: str

    @property
    def sign(self) -> int:
        """Return the side as rules evaluate to it: +1 bullish, -1 bearish."""
        return 1 if self.side == "bullish" else -1


@dataclass(frozen=True, slots=True)
class Strategy:
    """Buy while flat and `enter` holds, sell while `leave` holds; `timeframe` is a default."""

    name: str
    timeframe: str
    enter: Signal
    leave: Signal
    description: str = ""


def find_strategy(conf_folder: Path, name: str) -> Strategy:
    """Return one strategy of conf/strategies.yaml.

    Raises:
        BadInput: there is none of that name.
        BadConfiguration: the file cannot be used.
    """
    path = conf_folder / "strategies.yaml"
    strategies = read_strategies(path)
    if name not in strategies:
        known = ", ".join(sorted(strategies)) or "none"
        raise BadInput(f"expected a strategy of {path}, found {name!r}; it has: {known}")
    return strategies[name]


def read_strategies(path: Path) -> dict[str, Strategy]:
    """Return the strategies of a file by name.

    Raises:
        BadConfiguration: it is missing, not YAML, or an entry is not a strategy; the message names the line.
    """
    top = _Reader(path).mapping(_compose(path), ("strategies",), required=("strategies",))
    reader = _Reader(path)
    entries = reader.mapping(top["strategies"])
    return {name: _strategy(reader, name, node) for name, node in entries.items()}


def _strategy(reader: _Reader, name: str, node: yaml.Node) -> Strategy:
    found = reader.mapping(node, _STRATEGY_KEYS, required=("timeframe", "enter", "leave"))
    return Strategy(
        name=name,
        timeframe=reader.text(found["timeframe"], TIMEFRAMES),
        enter=_signal(reader, found["enter"]),
        leave=_signal(reader, found["leave"]),
        description=reader.text(found["description"]) if "description" in found else "",
    )


def _signal(reader: _Reader, node: yaml.Node) -> Signal:
    found = reader.mapping(node, _SIGNAL_KEYS, required=_SIGNAL_KEYS)
    return Signal(rule=reader.text(found["rule"]), side=reader.text(found["side"], SIDES))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads YAML nodes, which know their lines, and refuses what it does not expect."""

    path: Path

    def mapping(
        self, node: yaml.Node, keys: tuple[str, ...] = (), required: tuple[str, ...] = ()
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._refusal(node, "a mapping of names to values")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.text(key, keys)
            if name in found:
                raise self._refusal(key, f"{name!r} once", "it again")
            found[name] = value
        if missing := [name for name in required if name not in found]:
            raise self._refusal(node, f"{missing[0]!r} here", "nothing of that name")
        return found

    def text(self, node: yaml.Node, allowed: tuple[str, ...] = ()) -> str:
        expected = f"one of {', '.join(allowed)}" if allowed else "a text"
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise self._refusal(node, expected)
        if allowed and node.value not in allowed:
            raise self._refusal(node, expected)
        return str(node.value)

    def _refusal(self, node: yaml.Node, expected: str, found: str = "") -> BadConfiguration:
        line = node.start_mark.line + 1
        return BadConfiguration(f"{self.path}:{line}: expected {expected}, found {found or _shown(node)}")


def _compose(path: Path) -> yaml.Node:
    try:
        node: Any = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadConfiguration(f"{path}:{line}: expected YAML, found: {error.problem}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path}: expected a readable YAML file, found: {error}") from error
    if node is None:
        raise BadConfiguration(f"{path}:1: expected 'strategies' here, found an empty file")
    return node  # type: ignore[no-any-return]


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value)
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
