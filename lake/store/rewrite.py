"""Rows added to and taken from a table in one commit, as Parquet files that several threads write.

No reader sees a file before the commit, and a writer that is killed leaves only files that
`lake maintain` removes.
"""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction, RemoveAction

from lake.market.bars import Bools
from lake.store.encoding import ROW_GROUP, arrow_writer_of
from lake.store.files import entries_of, file_system, open_for_writing
from lake.store.tables import TableSpec

Span = tuple[np.datetime64, np.datetime64]
"""The moment with which a time begins, and the one before which it ends."""

ALWAYS = (np.datetime64(-(1 << 62), "us"), np.datetime64(1 << 62, "us"))
"""From before the first bar to after the last."""

Spans = Mapping[str, Mapping[str, Span]]
"""For each timeframe and symbol the time of the rows that are dropped."""


class Rewrite:
    """The files that one commit will add to a table with columns `symbol`, `timeframe` and `ts`."""

    def __init__(self, root: str, spec: TableSpec) -> None:
        self._spec = spec
        self._files, base = file_system(root)
        self._folder = f"{base}/{spec.name}"
        self._schema = pa.schema([_as_written(field) for field in spec.schema if field.name != "timeframe"])

    def write(self, timeframe: str, tables: Iterable[pa.Table]) -> AddAction | None:
        """Write one file of rows of a timeframe, in this order, and return its entry; None for no rows.

        Any number of threads may do so at once.
        """
        path = f"timeframe={timeframe}/{uuid.uuid4()}.parquet"
        self._files.create_dir(f"{self._folder}/timeframe={timeframe}", recursive=True)
        spans: list[dict[str, Any]] = []
        with (
            open_for_writing(self._files, f"{self._folder}/{path}") as stream,
            pq.ParquetWriter(stream, self._schema, **arrow_writer_of(self._schema)) as writer,
        ):
            for group in _groups(tables, self._schema):
                writer.write_table(group, row_group_size=_even(group.num_rows))
                spans.append(_span(group))
                del group  # its memory is for the next one, which is computed now
        if not spans:
            self._files.delete_file(f"{self._folder}/{path}")
            return None
        size = self._files.get_file_info(f"{self._folder}/{path}").size
        return AddAction(
            path, size, {"timeframe": timeframe}, int(time.time() * 1000), True, json.dumps(_stats(spans))
        )

    def drop(self, table: DeltaTable, spans: Spans) -> Iterator[AddAction | RemoveAction]:
        """Yield what takes rows out of a table: the files that hold some, and those without them."""
        for entry in entries_of(table).to_pylist():
            stale = spans.get(entry["partition.timeframe"], {})
            if stale and _may_hold(entry, stale):
                yield from self._without(entry, stale)

    def commit(self, table: DeltaTable, actions: list[AddAction | RemoveAction]) -> None:
        """Commit files at once; nobody else may have committed through here since `table` was read.

        Raises:
            CommitFailedError: somebody has.
        """
        number = (table.transaction_version(self._spec.name) or 0) + 1
        table.create_write_transaction(
            actions,
            "append",
            self._spec.schema,
            list(self._spec.partition_by),
            commit_properties=CommitProperties(app_transactions=[Transaction(self._spec.name, number)]),
        )

    def _without(
        self, entry: Mapping[str, Any], stale: Mapping[str, Span]
    ) -> Iterator[AddAction | RemoveAction]:
        with pq.ParquetFile(f"{self._folder}/{unquote(entry['path'])}", filesystem=self._files) as file:
            if _kept(file.read(["symbol", "ts"]), stale).all():
                return
            rest = (pa.Table.from_batches([batch]) for batch in file.iter_batches(ROW_GROUP))
            added = self.write(
                entry["partition.timeframe"], (rows.filter(pa.array(_kept(rows, stale))) for rows in rest)
            )
        if added is not None:
            yield added
        yield RemoveAction(
            path=entry["path"],
            deletion_timestamp=int(time.time() * 1000),
            data_change=True,
            partition_values={"timeframe": entry["partition.timeframe"]},
            size=entry["size_bytes"],
        )


def _as_written(field: pa.Field[Any]) -> pa.Field[Any]:
    """Return a field with strings as a dictionary: each is then written, and compared, once a file."""
    return field.with_type(pa.dictionary(pa.int32(), field.type)) if field.type == pa.string() else field


def _groups(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield tables joined until they fill a row group; none of them is kept meanwhile."""
    waiting: list[pa.Table] = []
    for table in tables:
        if table.num_rows:
            waiting.append(_as_in(schema, table))
        del table
        if sum(each.num_rows for each in waiting) >= ROW_GROUP:
            yield _joined(waiting)
    if waiting:
        yield _joined(waiting)


def _as_in(schema: pa.Schema, table: pa.Table) -> pa.Table:
    rows = table.select(schema.names)
    return rows if rows.schema == schema else rows.cast(schema)


def _joined(waiting: list[pa.Table]) -> pa.Table:
    """Return tables as one and leave their list empty."""
    joined = pa.concat_tables(waiting)
    waiting.clear()
    return joined


def _even(rows: int) -> int:
    """Return a size of row groups that leaves no small rest; up to half more than ROW_GROUP."""
    return math.ceil(rows / max(round(rows / ROW_GROUP), 1))


def _span(rows: pa.Table) -> dict[str, Any]:
    symbols = pc.min_max(rows["symbol"].unique().cast(pa.string())).as_py()
    moments = pc.min_max(rows["ts"]).as_py()
    return {"rows": rows.num_rows, "symbol": symbols, "ts": moments}


def _stats(spans: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the statistics of a file by which readers skip it."""
    ends = {
        end: {
            "symbol": choose(span["symbol"][end] for span in spans),
            "ts": choose(span["ts"][end] for span in spans).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        for end, choose in (("min", min), ("max", max))
    }
    return {
        "numRecords": sum(span["rows"] for span in spans),
        "minValues": ends["min"],
        "maxValues": ends["max"],
        "nullCount": {"symbol": 0, "ts": 0},
    }


def _may_hold(entry: Mapping[str, Any], stale: Mapping[str, Span]) -> bool:
    if entry.get("max.symbol") is None or entry.get("max.ts") is None:
        return True
    names = entry["min.symbol"], entry["max.symbol"]
    # Statistics may be cut to milliseconds.
    begin, end = _moment(entry["min.ts"]), _moment(entry["max.ts"]) + np.timedelta64(1, "ms")
    return any(
        names[0] <= symbol <= names[1] and first <= end and begin < until
        for symbol, (first, until) in stale.items()
    )


def _moment(time: datetime) -> np.datetime64:
    return np.datetime64(time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time, "us")


def _kept(rows: pa.Table, stale: Mapping[str, Span]) -> Bools:
    """Return which rows stay."""
    never = (ALWAYS[1], ALWAYS[1])
    names = rows["symbol"].combine_chunks().cast(pa.string()).dictionary_encode()
    spans = [stale.get(name, never) for name in names.dictionary.to_pylist()]
    first, until = np.array(spans, dtype="datetime64[us]").reshape(-1, 2)[names.indices.to_numpy()].T
    ts = rows["ts"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy().astype("datetime64[us]")
    stays: Bools = (ts < first) | (ts >= until)
    return stays
