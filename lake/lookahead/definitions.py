"""What is checked: every definition that says something of a bar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lake.features.registry import REGISTRY, Registry
from lake.levels.method import Method
from lake.levels.registry import methods
from lake.market.aggregate import aggregated
from lake.market.bars import Actions, Bars
from lake.market.resample import resampled
from lake.market.sessions import Calendar
from lake.market.timeframes import kind_of
from lake.rules.language import read_rules
from lake.rules.rule import Rule

Lengthened = Callable[[Bars, Actions, str, Calendar], Bars]
"""Makes the bars of a longer timeframe from shorter ones as traded."""


def lengthened(bars: Bars, actions: Actions, timeframe: str, calendar: Calendar) -> Bars:
    """Return longer bars as the lake makes them: from days, or from minutes."""
    if kind_of(timeframe) == "intraday":
        return aggregated(bars, timeframe, calendar)
    return resampled(bars, actions, timeframe, calendar)


@dataclass(frozen=True, slots=True)
class Definitions:
    """Columns, methods of finding levels by name, rules by name, and how longer bars are made."""

    registry: Registry = REGISTRY
    methods: Mapping[str, type[Method]] = field(default_factory=methods)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    lengthen: Lengthened = lengthened


def installed(conf_folder: Path) -> Definitions:
    """Return everything that this installation has, what its users added included.

    Raises:
        BadConfiguration: conf/rules.yaml, a column or a method cannot be used.
    """
    return Definitions(rules=read_rules(conf_folder))
