"""How a table is declared: its columns, key, partitions and what makes a row a new version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

MEGABYTE = 1 << 20
UTC_MICROS = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One Delta table of the lake.

    `compared` lists, for a bitemporal table, the columns whose change closes the old version and
    inserts a new one: floats by 1e-6 relative, all others exactly. It is empty for tables that
    are rewritten by partition or appended once.

    `clock` is a time that every key has one value of, if the table has such a column: files whose
    statistics exclude the times of a batch cannot hold its keys, and are neither read nor rewritten.

    `file_bytes` are those of one file, as `lake maintain` leaves them: with smaller ones who reads everything
    opens more files, with larger ones who reads a few symbols looks at more row groups that are not theirs.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    ranked: bool = False
    clock: str | None = None
    file_bytes: int = 16 * MEGABYTE

    @property
    def is_bitemporal(self) -> bool:
        """Return whether rows carry `known_at` and `superseded_at` and are never overwritten."""
        return bool(self.compared)


def columns(**types: pa.DataType) -> list[pa.Field[Any]]:
    """Return fields of the given types in the order of writing."""
    return [pa.field(name, kind) for name, kind in types.items()]


BITEMPORAL = columns(known_at=UTC_MICROS, superseded_at=UTC_MICROS)
