"""Digests of tables by value: equal rows give equal digests, however they are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def digest(table: pa.Table, order_by: Sequence[str] = (), leave_out: Sequence[str] = ()) -> str:
    """Return the sha256 of a table's values, row order aside where `order_by` is given.

    NaN equals NaN, -0.0 equals 0.0, null is its own value. Chunking, encoding and file layout
    do not count.
    """
    table = table.drop_columns([name for name in leave_out if name in table.column_names])
    if order_by:
        table = table.sort_by([(name, "ascending") for name in order_by])
    sha = hashlib.sha256()
    for name in table.column_names:
        sha.update(f"{name}:{table.num_rows}:".encode())
        for part in _canonical(table[name]):
            sha.update(part)
    return sha.hexdigest()


def _canonical(column: pa.ChunkedArray) -> list[bytes]:
    """Return the null mask and the values of one column as bytes."""
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):  # an empty column stays chunked
        values = pa.array([], type=column.type)
    nulls = np.packbits(np.asarray(pc.is_null(values)))
    return [nulls.tobytes(), *_value_bytes(values)]


def _value_bytes(values: pa.Array) -> list[bytes]:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _value_bytes(values.cast(kind.value_type))
    if pa.types.is_floating(kind):
        floats = np.asarray(pc.fill_null(values, 0.0), dtype=np.float64) + 0.0
        return [np.where(np.isnan(floats), np.nan, floats).tobytes()]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        filled = pc.fill_null(values, "")
        lengths = np.asarray(pc.binary_length(filled), dtype=np.int64)
        return [lengths.tobytes(), "".join(filled.to_pylist()).encode()]
    if pa.types.is_temporal(kind):
        width = pa.int32() if pa.types.is_date32(kind) else pa.int64()
        return [np.asarray(pc.fill_null(values.cast(width), 0)).tobytes()]
    return [np.asarray(pc.fill_null(values.cast(pa.int64()), 0)).tobytes()]
