"""What a rule is: frozen values that parsing builds, and that evaluation and identity read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, get_args

from lake.levels.level import EventName, Kind, side_of
from lake.market.bars import VALUES
from lake.rules.conditions import Condition, On, asked_of, values_of

Side = Literal["bullish", "bearish", "neutral"]
Fires = Literal["on_change", "every_bar"]
Severity = Literal["info", "warning", "critical"]

SIDES: tuple[Side, ...] = get_args(Side)
FIRES: tuple[Fires, ...] = get_args(Fires)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

LEVEL_COLUMN = "atr_14"
"""The column that says how near to a level counts as at it."""


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
class LevelTrigger:
    """An event at a level of one of some methods, on a bar on which `condition` holds, if there is one.

    Each method has its own nearest levels, and what other methods find does not matter.
    """

    event: EventName
    methods: tuple[str, ...]
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: cases, or events at levels.

    Where several of its cases hold on one bar, the first of them counts. With `levels` there are no
    cases, and every event is an alert of its own, on the side that the event speaks for.
    `cooldown` limits delivery only, never what is recorded. With `is_provisional` a bar that is still
    forming may raise it, until the close confirms or invalidates that.
    """

    name: str
    description: str
    timeframes: tuple[str, ...]
    fires: Fires
    severity: Severity
    cases: tuple[Case, ...]
    cooldown: timedelta | None = None
    is_provisional: bool = False
    message: str | None = None
    levels: LevelTrigger | None = None
    shown: tuple[str, ...] = ()
    """The columns that its message names."""
    text: str = field(default="", compare=False, repr=False)
    """How it is written, after the rules above it that it names: the text can be read by itself."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions it judges bars by."""
        if self.levels is not None:
            return (self.levels.condition,) if self.levels.condition is not None else ()
        return tuple(case.condition for case in self.cases)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the registered columns of its own bars that decide when it fires, by name."""
        read = {value.name for condition in self.conditions for value in values_of(condition)}
        if self.levels is not None:
            read.add(LEVEL_COLUMN)
        return tuple(sorted(read - set(VALUES)))

    @property
    def asks(self) -> tuple[On, ...]:
        """Return what it asks of other timeframes, each question once."""
        return tuple(dict.fromkeys(each for condition in self.conditions for each in asked_of(condition)))

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Return the registered columns that decide when it fires, those of other timeframes too."""
        return tuple(sorted({*self.columns, *columns_of(self.asks)}))


def columns_of(questions: Iterable[On]) -> tuple[str, ...]:
    """Return the registered columns that questions read on the bars they are about, by name."""
    read = {value.name for each in questions for value in values_of(each.part)}
    return tuple(sorted(read - set(VALUES)))


def methods_of(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return the methods of finding levels that some of the rules name, in order of name."""
    return tuple(sorted({name for rule in rules if rule.levels is not None for name in rule.levels.methods}))


def sides_of(rule: Rule) -> tuple[Side, ...]:
    """Return the sides that alerts of a rule can take, in the order of its cases."""
    if rule.levels is None:
        return tuple(dict.fromkeys(case.side for case in rule.cases))
    found = {side_of(rule.levels.event, kind) for kind in get_args(Kind)}
    return tuple(side for side in SIDES if side in found)
