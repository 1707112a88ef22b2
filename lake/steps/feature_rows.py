"""Rows of table features: the columns of the complete bars of some symbols, as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.features.indicator import Type
from lake.features.kernel import compute_each
from lake.features.registry import REGISTRY
from lake.market.adjust import adjusted
from lake.market.bars import Actions, Bars
from lake.store.tables import TABLES

Inputs = NDArray[np.int64]
"""For each complete bar a hash of all that its row is computed from."""

_NAMES = {
    kind: [name for name in REGISTRY.names if REGISTRY.indicator(name).type == kind]
    for kind in get_args(Type)
}
"""The stored columns by their type."""


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
    in the last bit whenever it is written. A column of some series together is made Arrow at once.
    """
    schema, complete = TABLES["features"].schema, [_complete_on_split_basis(work) for work in works]
    arrays: dict[str, Any] = {
        "symbol": _symbols(works),
        "timeframe": pa.repeat(works[0].bars.timeframe, sum(map(len, works))),
        "inputs": pa.concat_arrays([_inputs(work) for work in works]),
    }
    for name in ("ts", "closes_at"):
        times = np.concatenate(_written(works, [getattr(bars, name) for bars in complete]))
        arrays[name] = pa.array(times.astype("datetime64[us]", copy=False)).cast(schema.field(name).type)
    arrays |= _columns(works, complete)
    return pa.table({name: arrays[name] for name in schema.names})


def _columns(works: Sequence[Work], complete: Sequence[Bars]) -> dict[str, pa.Array]:
    """Return the stored columns; those of one type stand side by side in memory."""
    count = sum(map(len, works))
    blocks = {kind: np.empty((len(names), count), kind) for kind, names in _NAMES.items()}
    rows = {
        name: row for kind, names in _NAMES.items() for name, row in zip(names, blocks[kind], strict=True)
    }
    for each in zip(*map(compute_each, complete), strict=True):  # one column of all series at a time
        parts = _written(works, [column for _, column in each])
        np.concatenate(parts, out=rows[each[0][0]], casting="same_kind")
    return {
        name: column
        for kind, names in _NAMES.items()
        for name, column in zip(names, _stored(blocks[kind]), strict=True)
    }


def _written(works: Sequence[Work], columns: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the part of each series' column that is to be written."""
    return [column[work.first :] for work, column in zip(works, columns, strict=True)]


def _symbols(works: Sequence[Work]) -> pa.DictionaryArray:
    places = np.repeat(np.arange(len(works), dtype=np.int32), [len(work) for work in works])
    return pa.DictionaryArray.from_arrays(pa.array(places), pa.array([work.bars.symbol for work in works]))


def _complete_on_split_basis(work: Work) -> Bars:
    bars = adjusted(work.bars, work.actions, "split") if len(work.actions.split_dates) else work.bars
    return bars if bars.is_complete.all() else bars[bars.is_complete]


def _inputs(work: Work) -> pa.Array:
    return pa.nulls(len(work), pa.int64()) if work.inputs is None else pa.array(work.inputs[work.first :])


def _stored(block: NDArray[Any]) -> Iterator[pa.Array]:
    """Yield columns as the lake has them: null while they warm up, and where a sparse one has nothing.

    Averages and sorts pass over null.
    """
    from lake.features.validity import validity

    kind, count = pa.from_numpy_dtype(block.dtype), block.shape[1]
    bits, missing = validity(block, block.dtype.kind == "f")
    for column, says, nulls in zip(block, bits, missing.tolist(), strict=True):
        yield pa.Array.from_buffers(
            kind, count, [pa.py_buffer(says) if nulls else None, pa.py_buffer(column)], nulls
        )
