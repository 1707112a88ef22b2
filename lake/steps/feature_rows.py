"""Rows of table features: the columns of one symbol's complete bars, as Arrow without copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.features.indicator import SPARSE
from lake.market.adjust import adjusted
from lake.market.bars import Actions, Bars
from lake.store.tables import TABLES

Inputs = NDArray[np.int64]
"""For each complete bar a hash of all that its row is computed from."""


def feature_rows(bars: Bars, actions: Actions, inputs: Inputs | None = None, first: int = 0) -> pa.Table:
    """Return one symbol's rows of table features from its bars as traded, from row `first` on.

    The columns are computed over the whole history whatever `first` is, so a row is the same in the last
    bit whenever it is written. Without `inputs` that column is empty.
    """
    from lake.features.kernel import compute

    split_bars = adjusted(bars, actions, "split") if len(actions.split_dates) else bars
    complete = split_bars if bars.is_complete.all() else split_bars[bars.is_complete]
    count = max(len(complete) - first, 0)
    schema = TABLES["features"].schema
    columns = compute(complete)
    arrays: dict[str, Any] = {
        "symbol": pa.repeat(bars.symbol, count),
        "timeframe": pa.repeat(bars.timeframe, count),
        "ts": _times(complete.ts[first:]),
        "closes_at": _times(complete.closes_at[first:]),
        "inputs": pa.nulls(count, pa.int64()) if inputs is None else pa.array(inputs[first:]),
    }
    arrays |= {name: _stored(column[first:], schema.field(name).type) for name, column in columns.items()}
    return pa.Table.from_arrays([arrays[name] for name in schema.names], schema=schema)


def _times(moments: NDArray[Any]) -> pa.Array:
    return pa.array(moments.astype("datetime64[us]")).cast(pa.timestamp("us", "UTC"))


def _stored(column: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Return a column as the lake has it: null while it warms up, and where a sparse one has nothing.

    Averages and sorts pass over null.
    """
    has_value = column != 0 if column.dtype in SPARSE else ~np.isnan(column)
    values = np.ascontiguousarray(column, dtype=kind.to_pandas_dtype())
    missing = len(values) - int(np.count_nonzero(has_value))
    validity = pa.py_buffer(np.packbits(has_value, bitorder="little")) if missing else None
    return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(values)], missing)
