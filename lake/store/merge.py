"""The one bitemporal merge, as text and as rows: nothing is overwritten, an equal row changes nothing.

A row of a lesser source changes nothing either, one of a better source always.

Each row of a batch goes in twice. Its `close` twin ends the current version if that differs; its
`insert` twin, matching only where the current version is equal, otherwise becomes the new one.
One MERGE therefore closes and inserts in a single commit.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from lake.store.extent import Extent
from lake.store.tables.spec import TableSpec

TOLERANCE = 1e-6
"""Relative difference up to which two prices or volumes are the same."""

_CLOSING = ("close", "vanish")


def twins(rows: pa.Table, vanished: pa.Table | None = None) -> pa.Table:
    """Return the merge's source: every row as `close` and `insert`, keys to be closed as `vanish`."""
    tables = [_with_op(rows, "close"), _with_op(rows, "insert")]
    if vanished is not None and vanished.num_rows:
        tables.append(_with_op(vanished, "vanish"))
    return pa.concat_tables(tables, promote_options="default")


def match_condition(spec: TableSpec, extent: Extent, ranks: Mapping[str, int] | None) -> str:
    """Return the ON clause of `spec`'s merge.

    Partition values and times are literals: a join condition alone would make writers of different
    partitions conflict and scan the whole table.
    """
    parts = extent.conditions("t.")
    parts += [f"t.{name} = s.{name}" for name in spec.key]
    parts.append("t.superseded_at IS NULL")
    changed = changes(spec, ranks)
    parts.append(
        f"((s.op = 'vanish') OR (s.op = 'close' AND {changed}) OR (s.op = 'insert' AND NOT {changed}))"
    )
    return " AND ".join(parts)


def changes(spec: TableSpec, ranks: Mapping[str, int] | None) -> str:
    """Return the condition that `s` is another version than `t`; never null, so no row doubles.

    `ranks` are those of sources, 0 the best. What a better source says too is its own from then on:
    no lower one changes that any more.
    """
    if ranks is None:
        return _differs(spec)
    new, old = (_rank_expression(row, ranks) for row in ("s", "t"))
    return f"({new} < {old} OR ({new} = {old} AND {_differs(spec)}))"


def _differs(spec: TableSpec) -> str:
    terms = []
    for name in spec.compared:
        old, new = f"t.{name}", f"s.{name}"
        unequal = f"{old} <> {new}"
        if pa.types.is_floating(spec.schema.field(name).type):
            unequal = f"abs({old} - {new}) > {TOLERANCE} * greatest(abs({old}), abs({new}))"
        terms.append(f"coalesce({unequal}, false) OR ({old} IS NULL) <> ({new} IS NULL)")
    return "(" + " OR ".join(terms) + ")"


def closes() -> str:
    """Return the condition under which a matched row ends the current version."""
    return "s.op IN ('close', 'vanish')"


def _with_op(rows: pa.Table, op: str) -> pa.Table:
    return rows.append_column("op", pa.repeat(pa.scalar(op), rows.num_rows))


def _rank_expression(row: str, ranks: Mapping[str, int]) -> str:
    cases = " ".join(f"WHEN '{name}' THEN {rank}" for name, rank in ranks.items())
    return f"(CASE {row}.source {cases} ELSE {len(ranks)} END)"
