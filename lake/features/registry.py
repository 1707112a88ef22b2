"""Every registered column by name: the built-in groups first, then modules that users added."""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pyarrow as pa

import lake.features.columns as groups
from lake.errors import BadConfiguration, BadInput
from lake.features.indicator import CONTEXT, SPLIT_EXPONENT, Indicator
from lake.market.bars import VALUES

GROUPS = (
    "moving_averages",
    "momentum",
    "volatility",
    "trend",
    "volume",
    "shape",
    "returns",
    "strict_patterns",
    "talib_patterns",
)
"""Built-in groups in the order of their columns; other modules follow by name."""


@dataclass(frozen=True, slots=True)
class Registry:
    """Indicators in the order of their columns; every input is a bar value or a column."""

    groups: Mapping[str, tuple[Indicator, ...]]
    by_column: Mapping[str, Indicator]
    _orders: dict[tuple[str, ...], list[Indicator]] = field(default_factory=dict, repr=False, compare=False)
    _plans: dict[tuple[str, ...], list[Indicator]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the stored columns in order."""
        return tuple(name for name, each in self.by_column.items() if not each.is_helper)

    @property
    def readable(self) -> tuple[str, ...]:
        """Return the names that a rule may read: stored columns, then helpers."""
        return tuple(dict.fromkeys((*self.names, *self.by_column)))

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the names of the readable columns that are flags."""
        return tuple(name for name in self.readable if self.by_column[name].scale == "flag")

    def indicator(self, column: str) -> Indicator:
        """Return the indicator that fills `column`.

        Raises:
            BadInput: there is no such column.
        """
        if column not in self.by_column:
            raise BadInput(
                f"expected a registered column, found {column!r}{near(column, self.readable)}; "
                "`lake columns` lists them"
            )
        return self.by_column[column]

    def in_order_of_need(self, columns: Iterable[str]) -> list[Indicator]:
        """Return the indicators that fill `columns`, each after those it takes columns from."""
        wanted = tuple(columns)
        if wanted not in self._orders:  # kept: working it out takes as long as a few columns of a year
            self._orders[wanted] = self._ordered(wanted)
        return self._orders[wanted]

    def plan(self, columns: Iterable[str]) -> list[Indicator]:
        """Return what computes `columns` over a history: in order of need, together what can be."""
        wanted = tuple(columns)
        if wanted not in self._plans:
            self._plans[wanted] = _joined(self.in_order_of_need(wanted))
        return self._plans[wanted]

    def _ordered(self, columns: tuple[str, ...]) -> list[Indicator]:
        ordered: dict[tuple[str, ...], Indicator] = {}
        for column in columns:
            indicator = self.indicator(column)
            for needed in (*self._ordered(indicator.columns_needed), indicator):
                ordered[needed.columns] = needed
        return list(ordered.values())

    def settle_bars(self, columns: Iterable[str]) -> int:
        """Return after how many bars nothing of where a history started is left in `columns`."""
        return max((each.settle_bars for each in self.in_order_of_need(columns)), default=0)


def _joined(indicators: Sequence[Indicator]) -> list[Indicator]:
    """Return indicators with those that can be computed together made one, in the place of the first."""
    groups: dict[Any, list[Indicator]] = {}
    for each in indicators:
        groups.setdefault(
            each.together if each.together and not each.columns_needed else each.columns, []
        ).append(each)
    return [own[0].together(own) if own[0].together and len(own) > 1 else own[0] for own in groups.values()]


def build(declared: Mapping[str, Sequence[Indicator]]) -> Registry:
    """Return the registry of declared groups.

    Raises:
        BadConfiguration: a name is declared twice or is a bar value's, an input is not known.
    """
    by_column: dict[str, Indicator] = {}
    for group, indicators in declared.items():
        for indicator in indicators:
            if unknown := [name for name in indicator.columns_needed if name not in by_column]:
                raise BadConfiguration(
                    f"lake/features/columns/{group}.py: {indicator.columns[0]} expected inputs among "
                    f"{', '.join((*VALUES, *CONTEXT))} and columns declared before it, found {unknown[0]!r}"
                )
            if indicator.compares_exactly and SPLIT_EXPONENT[indicator.scale]:
                raise BadConfiguration(
                    f"lake/features/columns/{group}.py: {indicator.columns[0]} expected scale percent, ratio "
                    f"or flag with compares_exactly, found {indicator.scale!r}; measure it against the price"
                )
            for column in indicator.columns:
                if column in by_column or column in (*VALUES, *CONTEXT):
                    raise BadConfiguration(
                        f"lake/features/columns/{group}.py: expected a new column name, found {column!r}, "
                        "which is taken; choose another"
                    )
                by_column[column] = indicator
    return Registry({group: tuple(each) for group, each in declared.items()}, by_column)


def load() -> Registry:
    """Return the registry of every module in lake/features/columns."""
    found = [module.name for module in pkgutil.iter_modules(groups.__path__)]
    ordered = [*GROUPS, *sorted(set(found) - set(GROUPS))]
    return build({name: import_module(f"{groups.__name__}.{name}").INDICATORS for name in ordered})


REGISTRY = load()
"""The columns of this installation."""


def fields() -> list[pa.Field[Any]]:
    """Return the Arrow fields of all stored columns, in order."""
    return [pa.field(name, pa.type_for_alias(REGISTRY.indicator(name).type)) for name in REGISTRY.names]


def described() -> pa.Table:
    """Return the data dictionary: one row a column."""
    rows = [
        {
            "column": column,
            "group": group,
            "inputs": ", ".join(indicator.inputs),
            "parameters": ", ".join(f"{name} {value:g}" for name, value in indicator.parameters.items()),
            "settle_bars": indicator.settle_bars,
            "starts_from": "value before" if indicator.is_cumulative else "nothing",
            "type": indicator.type,
            "stored": "helper" if indicator.is_helper else "sparse" if indicator.is_sparse else "yes",
            "scale": indicator.scale,
            "at_a_split": {-1: "divided", 0: "kept", 1: "multiplied"}[SPLIT_EXPONENT[indicator.scale]],
            "description": indicator.description,
            "source": indicator.source,
        }
        for group, indicators in REGISTRY.groups.items()
        for indicator in indicators
        for column in indicator.columns
    ]
    return pa.Table.from_pylist(rows)


def near(name: str, known: Iterable[str]) -> str:
    """Return `, near a, b` with the known names most like `name`, or nothing."""
    matches = difflib.get_close_matches(name.lower(), list(known), n=3, cutoff=0.6)
    return f", near {', '.join(matches)}" if matches else ""
