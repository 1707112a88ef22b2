"""What alerts are made from: prepared rules, and new rows with what happened on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lake.levels.level import Event
from lake.market.bars import VALUES
from lake.rules.conditions import Count, Value
from lake.rules.elsewhere import operands_within, values_elsewhere
from lake.rules.identity import rule_version
from lake.rules.memory import Numbers, Rows
from lake.rules.rule import LEVEL_COLUMN, Rule

Operands = Mapping[str, Value | Count]
"""What a rule saw, by name."""

CLOSE, TOLERANCE = "close", LEVEL_COLUMN


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rule with what does not change from alert to alert.

    `seen` is what each of its conditions reads, and the close; `elsewhere` the names of what each
    reads of other timeframes; `shown` what its message may name.
    """

    rule: Rule
    version: str
    seen: tuple[Operands, ...]
    elsewhere: tuple[tuple[str, ...], ...]
    shown: Operands


def prepared(rules: Sequence[Rule]) -> tuple[Prepared, ...]:
    """Return rules as `raised` takes them."""
    return tuple(
        Prepared(
            rule,
            rule_version(rule),
            tuple(_named((*operands_within(each), Value(CLOSE))) for each in rule.conditions),
            tuple(values_elsewhere(each) for each in rule.conditions),
            _named([Value(name) for name in (*VALUES, *rule.shown)]) if rule.message else {},
        )
        for rule in rules
    )


def _named(operands: Iterable[Value | Count]) -> Operands:
    return {str(each): each for each in operands}


@dataclass(frozen=True, slots=True)
class Scene:
    """New rows of series, and what happened on them.

    `symbols` are those of the series by number; `ts` and `closes_at` those of each row, in
    microseconds since 1970, UTC; `events` what happened at levels, with the row it was on.
    """

    timeframe: str
    symbols: Sequence[str]
    rows: Rows
    ts: Numbers
    closes_at: Numbers
    events: Sequence[tuple[int, Event]]
