"""How the Parquet files of a table are written.

Every upsert rewrites the partitions it touches, and all that is computed begins with reading them, so both
have to be cheap. Prices and volumes seldom repeat: a dictionary of them costs a quarter of the time and makes
files larger. LZ4 takes two thirds of the time of zstd to read and four fifths to merge, for two fifths more
bytes.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from deltalake import ColumnProperties, WriterProperties

from lake.store.tables import TableSpec

MOMENT = pa.timestamp("us", "UTC")

ROW_GROUP = 32_768
"""Rows of one row group: what a reader of one symbol has to decode."""


def writer_of(spec: TableSpec) -> WriterProperties:
    """Return how files of a table are written."""
    floats = [field.name for field in spec.schema if pa.types.is_floating(field.type)]
    return WriterProperties(
        compression="LZ4_RAW",
        max_row_group_size=ROW_GROUP,
        column_properties={name: ColumnProperties(dictionary_enabled=False) for name in floats},
    )


def arrow_writer_of(schema: pa.Schema) -> dict[str, Any]:
    """Return how Arrow writes files of many columns that are read by symbol and time.

    Such rows are computed and can be computed again, so the time to write them counts more than bytes.
    Computed numbers are left as they are, since LZ4 would take a tenth off them for half as much time again;
    what repeats takes LZ4. One page a column of a row group takes less time than many, and a dictionary of
    values that hardly repeat only takes time.
    """
    floats = [field.name for field in schema if pa.types.is_floating(field.type)]
    seldom_equal = {*floats, *(field.name for field in schema if field.type in (pa.int64(), MOMENT))}
    return {
        "compression": {field.name: "none" if field.name in floats else "lz4" for field in schema},
        "data_page_size": 2 * ROW_GROUP * 8,
        "write_batch_size": ROW_GROUP,
        "use_dictionary": [field.name for field in schema if field.name not in seldom_equal],
        "store_schema": False,  # it would say that strings are dictionaries
        "write_statistics": [name for name in ("symbol", "ts") if name in schema.names],
    }
