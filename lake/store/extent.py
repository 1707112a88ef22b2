"""Where in a table the keys of a batch can lie: its partitions, and within them its span of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from lake.store.tables.spec import TableSpec

Filters = list[tuple[str, str, object]]


@dataclass(frozen=True, slots=True)
class Extent:
    """Values of the partition columns, and the first and last moment of the clock, if there is one."""

    partitions: Mapping[str, Sequence[int | str]]
    clock: str | None = None
    first: datetime | None = None
    last: datetime | None = None

    def bounds(self) -> list[tuple[str, str, datetime]]:
        """Return the span of time as filters (column, operator, moment)."""
        if self.clock is None or self.first is None or self.last is None:
            return []
        return [(self.clock, ">=", self.first), (self.clock, "<=", self.last)]

    def filters(self) -> Filters:
        """Return filters that leave out files which cannot hold one of the keys."""
        found: Filters = [(name, "in", [str(each) for each in own]) for name, own in self.partitions.items()]
        return found + list(self.bounds())

    def conditions(self, prefix: str) -> list[str]:
        """Return the same in SQL, for a table that `prefix` names."""
        found = [f"{prefix}{name} IN ({literals(own)})" for name, own in self.partitions.items()]
        return found + [f"{prefix}{name} {op} {moment_literal(at)}" for name, op, at in self.bounds()]


def extent_of(spec: TableSpec, *tables: pa.Table | None) -> Extent:
    """Return where the keys of the tables can lie; without a row that has a time, anywhere in time."""
    given = [table for table in tables if table is not None and table.num_rows]
    partitions = {name: _values(name, given) for name in spec.partition_by}
    clocked = [table for table in given if spec.clock in table.column_names]
    if spec.clock is None or len(clocked) < len(given) or not given:
        return Extent(partitions)
    spans = [pc.min_max(table[spec.clock]) for table in clocked]
    first, last = min(span["min"].as_py() for span in spans), max(span["max"].as_py() for span in spans)
    return Extent(partitions, spec.clock, first, last)


def moment_literal(moment: datetime) -> str:
    """Return a moment in SQL."""
    return f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'"


def literals(values: Iterable[int | str]) -> str:
    """Return values as a list in SQL."""
    return ", ".join(
        str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'" for value in values
    )


def _values(name: str, tables: Sequence[pa.Table]) -> list[int | str]:
    found: set[int | str] = set()
    for table in tables:
        found.update(pc.unique(table[name]).to_pylist())
    return sorted(found)
