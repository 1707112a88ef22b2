"""Rows of a table as MongoDB documents, column by column.

Times and dates become UTC datetimes, numbers that are missing or not finite become null.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Document = dict[str, Any]


def documents(rows: pa.Table, nested: Collection[str] = ()) -> list[Document]:
    """Return one document a row; columns named in `nested` hold JSON and become sub-documents."""
    columns = [_parsed(rows[name]) if name in nested else _values(rows[name]) for name in rows.column_names]
    names = rows.column_names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_floating(column.type):
        return _finite(column)
    if pa.types.is_temporal(column.type):
        # Naive datetimes are UTC to BSON, which keeps milliseconds.
        moments: list[Any] = column.cast(pa.timestamp("ms"), safe=False).to_numpy().tolist()
        return moments
    values: list[Any] = column.to_pylist()
    return values


def _finite(column: pa.ChunkedArray) -> list[Any]:
    floats = np.asarray(pc.fill_null(column, np.nan), dtype=np.float64)
    values: list[Any] = floats.tolist()
    for row in np.flatnonzero(~np.isfinite(floats)):
        values[row] = None
    return values


def _parsed(column: pa.ChunkedArray) -> list[Any]:
    return [None if text is None else json.loads(text) for text in column.to_pylist()]
