"""What alerts are made from: prepared rules, and new rows with what happened on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lake.levels.level import Event
from lake.market.bars import VALUES
from lake.rules.conditions import Condition, Count, Value, operands_of, parts_of
from lake.rules.identity import rule_version
from lake.rules.memory import Numbers, Rows
from lake.rules.rule import LEVEL_COLUMN, Rule

Methods = tuple[str, ...]
Operand = Value | Count

CLOSE = Value("close")
TOLERANCE = Value(LEVEL_COLUMN)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rule with what does not change from alert to alert: `operands` are those of each condition."""

    rule: Rule
    version: str
    operands: tuple[tuple[Operand, ...], ...]
    shown: tuple[Operand, ...]


def prepared(rules: Sequence[Rule]) -> tuple[Prepared, ...]:
    """Return rules as `raised` takes them."""
    return tuple(
        Prepared(
            rule,
            rule_version(rule),
            tuple(tuple(dict.fromkeys(_operands(condition))) for condition in rule.conditions),
            tuple(map(Value, (*VALUES, *rule.shown))) if rule.message else (),
        )
        for rule in rules
    )


def _operands(condition: Condition) -> Iterator[Operand]:
    yield from operands_of(condition)
    for part in parts_of(condition):
        yield from _operands(part)


@dataclass(frozen=True, slots=True)
class Scene:
    """New rows of series, and what happened on them.

    `symbols` are those of the series by number; `ts` and `closes_at` those of each row, in
    microseconds since 1970, UTC; `events` what each rule's methods saw, with the row it was on.
    """

    timeframe: str
    symbols: Sequence[str]
    rows: Rows
    ts: Numbers
    closes_at: Numbers
    events: Mapping[Methods, list[tuple[int, Event]]]
