"""Fingerprints of rows: a hash of each row's values, and one of a whole partition.

Computed column by column, since a publication that changes nothing computes only these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bits = NDArray[np.uint64]

UNKNOWN = 0
"""The hash of a document whose content is not certain; no row has it."""

_NULL = np.uint64(0x7FF8_0000_0000_0000)
"""Bits of a missing value; NaN has them too."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of each row by id, in order, and the digest of them all."""

    hashes: Mapping[str, int]
    digest: str


def fingerprint(rows: pa.Table) -> Fingerprint:
    """Return the fingerprint of rows with a unique string column `_id`.

    Rows that make equal documents have equal hashes, however they are chunked or encoded.
    """
    ids: list[str] = rows["_id"].to_pylist()
    hashes = row_hashes(rows.drop_columns("_id"))
    content = sha256("\n".join(ids).encode())
    content.update(hashes.tobytes())
    return Fingerprint(dict(zip(ids, hashes.tolist(), strict=True)), content.hexdigest())


def row_hashes(rows: pa.Table) -> Bits:
    """Return 64 well-mixed bits for each row, never UNKNOWN."""
    total = np.zeros(rows.num_rows, dtype=np.uint64)
    for name in rows.column_names:
        total += _mixed(_bits(rows[name]) ^ _seed(name))
    mixed = _mixed(total)
    return np.where(mixed == UNKNOWN, np.uint64(1), mixed)


def _mixed(bits: Bits) -> Bits:
    """Return `bits` after the finalizer of splitmix64 (Steele, Lea and Flood 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _seed(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big"))


def _bits(column: pa.ChunkedArray) -> Bits:
    if pa.types.is_floating(column.type):
        # Adding 0.0 makes -0.0 equal to 0.0; whatever is not finite becomes null in a document.
        floats = np.asarray(pc.fill_null(column, np.nan), dtype=np.float64) + 0.0
        bits = floats.view(np.uint64)
        return np.where(np.isfinite(floats), bits, _NULL)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _bits_of_text(column)
    integers = column.cast(pa.timestamp("us")) if pa.types.is_date(column.type) else column
    filled: Any = np.asarray(pc.fill_null(integers.cast(pa.int64()), 0), dtype=np.int64)
    return np.where(np.asarray(pc.is_null(column)), _NULL, filled.view(np.uint64))


def _bits_of_text(column: pa.ChunkedArray) -> Bits:
    encoded: Any = column.combine_chunks().dictionary_encode()
    # The last entry stands for null, which has no place in the dictionary.
    distinct = np.array([*map(_seed, encoded.dictionary.to_pylist()), _NULL], dtype=np.uint64)
    places = np.asarray(pc.fill_null(encoded.indices, len(distinct) - 1))
    bits: Bits = distinct[places]
    return bits
