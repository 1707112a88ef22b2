"""Small commits leave small files: many of one partition become one, and maintenance sorts them.

What is sorted lies in files of some symbols each, so that who asks for few symbols opens few files.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lake.store.encoding import writer_of
from lake.store.extent import Extent
from lake.store.files import entries_of
from lake.store.tables.spec import TableSpec

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
    files = entries_of(table)
    if files.num_rows < MANY:
        return
    for partition, own in _partitions(files, spec):
        touched = all(partition[name] in values for name, values in extent.partitions.items())
        if touched and _small(own, spec) >= MANY:
            table.optimize.compact(**_how(partition, spec))


def sort_files(table: DeltaTable, spec: TableSpec) -> int:
    """Sort partitions by key and return how many files that took; none of those that are sorted already."""
    rewritten = 0
    for partition, own in _partitions(entries_of(table), spec):
        if not _is_sorted(own, spec):
            metrics = table.optimize.z_order([spec.key[0]], **_how(partition, spec))
            rewritten += metrics["numFilesRemoved"]
    return rewritten


def _is_sorted(files: pa.Table, spec: TableSpec) -> bool:
    """Return whether files are of the right size, the last one aside, and share no keys but their ends."""
    if pc.max(files["size_bytes"]).as_py() > 2 * spec.file_bytes or _small(files, spec) > 1:
        return False
    ends = [f"{end}.{spec.key[0]}" for end in ("min", "max")]
    if files.num_rows == 1:
        return True
    if not set(ends) <= set(files.column_names) or any(files[name].null_count for name in ends):
        return False
    spans = sorted(zip(*(files[name].to_pylist() for name in ends), strict=True))
    return all(last <= first for (_, last), (first, _) in pairwise(spans))


def _small(files: pa.Table, spec: TableSpec) -> int:
    """Return how many files are small: a quarter, as a file ends before its last rows are compressed."""
    return int(pc.sum(pc.less(files["size_bytes"], spec.file_bytes // 4)).as_py())


def _partitions(files: pa.Table, spec: TableSpec) -> Iterator[tuple[Partition, pa.Table]]:
    """Yield the partitions that have files, and these."""
    names = [f"partition.{name}" for name in spec.partition_by]
    for values in files.select(names).group_by(names).aggregate([]).to_pylist() if names else [{}]:
        own = files
        for name, value in values.items():
            own = own.filter(pc.equal(own[name], value))
        if own.num_rows:
            yield {name: values[f"partition.{name}"] for name in spec.partition_by}, own


def _how(partition: Partition, spec: TableSpec) -> dict[str, Any]:
    """Return which files are put together, and how they are written."""
    return {
        "partition_filters": [(name, "=", str(value)) for name, value in partition.items()] or None,
        "target_size": spec.file_bytes,
        "writer_properties": writer_of(spec),
    }
