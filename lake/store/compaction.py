"""Small commits leave small files: many of one partition become one, and maintenance sorts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lake.store.encoding import writer_of
from lake.store.extent import Extent
from lake.store.tables.spec import TableSpec

SMALL_BYTES = 16 * 1024 * 1024
MANY = 128
"""So many small files of one partition are read noticeably more slowly than one of their size."""

Partition = dict[str, str | int]


def compact(table: DeltaTable, spec: TableSpec, extent: Extent) -> None:
    """Make one of the small files in the partitions of `extent`, where there are many.

    Rows stay as they are. Readers of earlier versions keep their files until `lake maintain`
    removes them, which also sorts what was only put together here.

    Raises:
        CommitFailedError: another writer came first.
    """
    files = pa.table(table.get_add_actions(flatten=True))
    if files.num_rows < MANY:
        return
    for partition in _partitions(files.filter(pc.less(files["size_bytes"], SMALL_BYTES)), spec, MANY):
        if all(partition[name] in touched for name, touched in extent.partitions.items()):
            table.optimize.compact(partition_filters=_filters(partition), writer_properties=writer_of(spec))


def sort_files(table: DeltaTable, spec: TableSpec) -> int:
    """Sort partitions of several files by key, so that one symbol is one place; return how many it took."""
    rewritten = 0
    for partition in _partitions(pa.table(table.get_add_actions(flatten=True)), spec, 2):
        metrics = table.optimize.z_order(
            [spec.key[0]], partition_filters=_filters(partition), writer_properties=writer_of(spec)
        )
        rewritten += metrics["numFilesRemoved"]
    return rewritten


def _partitions(files: pa.Table, spec: TableSpec, least: int) -> Iterator[Partition]:
    """Yield the partitions that have at least so many of the files."""
    keys = [files[f"partition.{name}"].to_pylist() for name in spec.partition_by]
    counts = Counter(zip(*keys, strict=True)) if keys else Counter({(): files.num_rows})
    for values, count in counts.items():
        if count >= least:
            yield dict(zip(spec.partition_by, values, strict=True))


def _filters(partition: Partition) -> list[tuple[str, str, str]] | None:
    return [(name, "=", str(value)) for name, value in partition.items()] or None
