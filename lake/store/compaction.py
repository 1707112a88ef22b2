"""Small commits leave small files: where many have gathered in a partition, they become one."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lake.store.encoding import writer_of
from lake.store.extent import Extent
from lake.store.tables.spec import TableSpec

SMALL_BYTES = 16 * 1024 * 1024
MANY = 128
"""So many small files of one partition are read noticeably more slowly than one of their size."""


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
    small = files.filter(pc.less(files["size_bytes"], SMALL_BYTES))
    keys = [small[f"partition.{name}"].to_pylist() for name in spec.partition_by]
    counts = Counter(zip(*keys, strict=True)) if keys else Counter({(): small.num_rows})
    for values, count in counts.items():
        own = dict(zip(spec.partition_by, values, strict=True))
        if count >= MANY and all(own[name] in touched for name, touched in extent.partitions.items()):
            chosen = [(name, "=", str(value)) for name, value in own.items()]
            table.optimize.compact(partition_filters=chosen or None, writer_properties=writer_of(spec))
