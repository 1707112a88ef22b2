"""Rows of table features: the columns of the complete bars of some symbols, as Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.features.indicator import has_value
from lake.features.kernel import compute_each
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
    """Return the rows of table features of series of one timeframe, symbols as a dictionary.

    The columns of a series are computed over its whole history whatever `first` is, so a row is the same
    in the last bit whenever it is written. Of some series together, a column is made Arrow once, while it is
    in the processor's cache.
    """
    schema = TABLES["features"].schema
    count, complete = sum(map(len, works)), [_complete_on_split_basis(work) for work in works]
    arrays: dict[str, Any] = {
        "symbol": _symbols(works),
        "timeframe": pa.repeat(works[0].bars.timeframe, count),
        "inputs": pa.concat_arrays([_inputs(work) for work in works]),
    }
    for name in ("ts", "closes_at"):
        times = _joined(works, [getattr(bars, name) for bars in complete], "datetime64[us]")
        arrays[name] = pa.array(times).cast(schema.field(name).type)
    for each in zip(*map(compute_each, complete), strict=True):  # one column of all series at a time
        name, kind = each[0][0], schema.field(each[0][0]).type
        arrays[name] = _stored(_joined(works, [column for _, column in each], kind.to_pandas_dtype()), kind)
    return pa.table({name: arrays[name] for name in schema.names})


def _symbols(works: Sequence[Work]) -> pa.DictionaryArray:
    places = np.repeat(np.arange(len(works), dtype=np.int32), [len(work) for work in works])
    return pa.DictionaryArray.from_arrays(pa.array(places), pa.array([work.bars.symbol for work in works]))


def _joined(works: Sequence[Work], columns: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    parts = [column[work.first :] for work, column in zip(works, columns, strict=True)]
    return np.concatenate(parts, dtype=kind, casting="same_kind")


def _complete_on_split_basis(work: Work) -> Bars:
    bars = adjusted(work.bars, work.actions, "split") if len(work.actions.split_dates) else work.bars
    return bars if bars.is_complete.all() else bars[bars.is_complete]


def _inputs(work: Work) -> pa.Array:
    return pa.nulls(len(work), pa.int64()) if work.inputs is None else pa.array(work.inputs[work.first :])


def _stored(column: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Return a column as the lake has it: null while it warms up, and where a sparse one has nothing.

    Averages and sorts pass over null.
    """
    says = has_value(column)
    missing = len(column) - int(np.count_nonzero(says))
    validity = pa.py_buffer(np.packbits(says, bitorder="little")) if missing else None
    return pa.Array.from_buffers(kind, len(column), [validity, pa.py_buffer(column)], missing)
