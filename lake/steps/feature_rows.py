"""Rows of table features: the columns of the complete bars of some symbols, as Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.features.indicator import SPARSE
from lake.features.kernel import compute_each
from lake.features.registry import fields
from lake.market.adjust import adjusted
from lake.market.bars import Actions, Bars
from lake.store.tables import TABLES

Inputs = NDArray[np.int64]
"""For each complete bar a hash of all that its row is computed from."""


@dataclass(frozen=True, slots=True)
class Work:
    """One series as traded, to be written from row `first` on; without `inputs` that column stays empty."""

    bars: Bars
    actions: Actions
    inputs: Inputs | None = None
    first: int = 0

    def __len__(self) -> int:
        return max(int(np.count_nonzero(self.bars.is_complete)) - self.first, 0)


def feature_rows(works: Sequence[Work]) -> pa.Table:
    """Return the rows of table features of series of one timeframe, one after the other.

    The columns of a series are computed over its whole history whatever `first` is, so a row is the same
    in the last bit whenever it is written. Of some series together, a column is made Arrow once.
    """
    schema = TABLES["features"].schema
    ends = np.cumsum([len(work) for work in works]).tolist()
    places = [slice(end - len(work), end) for end, work in zip(ends, works, strict=True)]
    columns = {field.name: np.empty(ends[-1], field.type.to_pandas_dtype()) for field in fields()}
    times = {name: np.empty(ends[-1], "datetime64[us]") for name in ("ts", "closes_at")}
    for work, place in zip(works, places, strict=True):
        complete = _complete_on_split_basis(work)
        for name, moments in times.items():
            moments[place] = getattr(complete, name)[work.first :]
        for name, column in compute_each(complete):
            columns[name][place] = column[work.first :]
    arrays: dict[str, Any] = {
        "symbol": pa.concat_arrays([pa.repeat(work.bars.symbol, len(work)) for work in works]),
        "timeframe": pa.repeat(works[0].bars.timeframe, ends[-1]),
        "inputs": pa.concat_arrays([_inputs(work) for work in works]),
    }
    arrays |= {name: pa.array(moments).cast(schema.field(name).type) for name, moments in times.items()}
    arrays |= {name: _stored(column) for name, column in columns.items()}
    return pa.Table.from_arrays([arrays[name] for name in schema.names], schema=schema)


def _complete_on_split_basis(work: Work) -> Bars:
    bars = adjusted(work.bars, work.actions, "split") if len(work.actions.split_dates) else work.bars
    return bars if bars.is_complete.all() else bars[bars.is_complete]


def _inputs(work: Work) -> pa.Array:
    return pa.nulls(len(work), pa.int64()) if work.inputs is None else pa.array(work.inputs[work.first :])


def _stored(column: NDArray[Any]) -> pa.Array:
    """Return a column as the lake has it: null while it warms up, and where a sparse one has nothing.

    Averages and sorts pass over null.
    """
    has_value = column != 0 if column.dtype in SPARSE else ~np.isnan(column)
    missing = len(column) - int(np.count_nonzero(has_value))
    validity = pa.py_buffer(np.packbits(has_value, bitorder="little")) if missing else None
    kind = pa.from_numpy_dtype(column.dtype)
    return pa.Array.from_buffers(kind, len(column), [validity, pa.py_buffer(column)], missing)
