"""What the rules of one timeframe need of a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lake.features.registry import REGISTRY
from lake.rules.identity import rule_version
from lake.rules.memory import reach
from lake.rules.rule import Rule, methods_of


class Needs(NamedTuple):
    """What the rules of a timeframe need of a series: bars to settle on, methods of levels, running sums.

    `rules` are their versions: the case that each was in is needed too.
    """

    bars: int
    methods: tuple[str, ...]
    sums: tuple[str, ...]
    rules: tuple[str, ...]


def needs_of(rules: Sequence[Rule]) -> Needs:
    """Return what the rules of one timeframe need of a series."""
    columns = columns_read(rules)
    sums = tuple(name for name in columns if REGISTRY.indicator(name).is_cumulative)
    versions = tuple(map(rule_version, rules))
    return Needs(REGISTRY.settle_bars(columns) + reach(rules), methods_of(rules), sums, versions)


def columns_read(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Return the columns that rules read or show, in the order of the rules."""
    return tuple(dict.fromkeys(name for rule in rules for name in (*rule.columns, *rule.shown)))
