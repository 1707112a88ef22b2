"""The lake as an object: its tables, and the three ways rows get into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from lake.config import Settings
from lake.errors import CommitConflict
from lake.store import merge
from lake.store.compaction import compact
from lake.store.digest import digest
from lake.store.encoding import writer_of
from lake.store.extent import extent_of, literals
from lake.store.failures import failures_of
from lake.store.files import entries_of
from lake.store.locks import writer_lock
from lake.store.tables import TABLES, TableSpec
from lake.store.transactions import Transactions
from lake.store.versions import news
from lake.universe import read_universe

Values = Sequence[int | str]
_Result = TypeVar("_Result")

_ATTEMPTS = 40


@dataclass(frozen=True, slots=True)
class Change:
    """What one write did: rows added, versions closed, and the table version that readers now see."""

    inserted: int
    closed: int
    version: int

    @property
    def is_empty(self) -> bool:
        """Return whether the table already said what was written."""
        return not (self.inserted or self.closed)


class Lake:
    """The Delta tables below one root."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = settings.lake_root
        self._ranks = read_universe(settings.conf_folder).ranks()

    @classmethod
    def open(cls, settings: Settings) -> Lake:
        """Return the lake of `settings`, with every table created empty where it was missing.

        Raises:
            StoreUnavailable: the folder or bucket cannot be read or written.
        """
        lake = cls(settings)
        lake._make_root()
        for spec in TABLES.values():
            lake._create(spec)
        return lake

    def uri(self, name: str) -> str:
        """Return the address of a table or of another folder below the root."""
        return f"{self.root.rstrip('/')}/{name}"

    def table(self, name: str) -> DeltaTable:
        """Return the current version of a table.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        with failures_of(self.uri(name)):
            return DeltaTable(self.uri(TABLES[name].name))

    def writing(self, name: str) -> AbstractContextManager[Any]:
        """Return the writer's lock of a table."""
        return writer_lock(self.root, name)

    def stamp(self, name: str, now: datetime) -> datetime:
        """Return the `known_at` of a write that begins: now, but later than all before it.

        Call it inside `writing(name)`: then `known_at` rises with the order of commits, even
        when the machine's clock was set back.
        """
        with failures_of(self.uri(name)):
            newest = _newest_known_at(self.table(name))
        return now if newest is None else max(now, newest + timedelta(milliseconds=1))

    def upsert(
        self,
        name: str,
        rows: pa.Table,
        known_at: datetime,
        vanished: pa.Table | None = None,
        transactions: Transactions | None = None,
    ) -> Change:
        """Merge `rows` into a bitemporal table and return what changed.

        Keys that occur more than once become versions in their order of arrival, a microsecond
        apart. `vanished` holds keys (and partition columns) whose current version is to be closed.
        `transactions` go into the last commit; where nothing changes there is none, nor are they noted.

        Raises:
            CommitConflict: other writers won every retry.
            TransactionTaken: another writer carries on one of `transactions`; nothing of it was written.
            StoreUnavailable: the table cannot be read or written, as on a full disk.
        """
        spec = TABLES[name]
        with failures_of(self.uri(name)), self.writing(name):
            table = self.table(name)
            if transactions:
                transactions.check(table)
            inserted = closed = 0
            batches = news(spec, rows, table, self._ranks if spec.ranked else None)
            if vanished is not None and vanished.num_rows:
                batches = batches or [rows.slice(0, 0)]
                vanished = vanished.append_column("known_at", _repeated(spec, known_at, vanished.num_rows))
            for number, batch in enumerate(batches):
                stamped = _stamped(spec, batch, known_at + timedelta(microseconds=number))
                result = self._merge(
                    table,
                    spec,
                    stamped,
                    vanished if number == 0 else None,
                    transactions if number == len(batches) - 1 else None,
                )
                inserted += result["num_target_rows_inserted"]
                closed += result["num_target_rows_updated"]
            if inserted or closed:
                self._retrying(name, table, lambda: compact(table, spec, extent_of(spec, rows, vanished)))
            return Change(inserted, closed, table.version())

    def replace(self, name: str, rows: pa.Table, where: Mapping[str, Values]) -> Change:
        """Make `rows` the rows of a table that match `where`, in one commit; none if they already are.

        `where` maps columns to the values that are replaced; every row of `rows` has to match it.

        Raises:
            CommitConflict: other writers won every retry.
            StoreUnavailable: the table cannot be read or written, as on a full disk.
        """
        spec = TABLES[name]
        rows = rows.select(spec.schema.names).cast(spec.schema).sort_by([(k, "ascending") for k in spec.key])
        filters: list[Any] = [(column, "in", list(values)) for column, values in where.items()]
        conditions = [f"{column} IN ({literals(values)})" for column, values in where.items()]
        with failures_of(self.uri(name)), self.writing(name):
            table = self.table(name)
            predicate = " AND ".join(conditions)
            return self._retrying(name, table, lambda: self._replace(table, spec, rows, filters, predicate))

    def transact(self, name: str, attempt: Callable[[], _Result]) -> _Result:
        """Return what `attempt` does inside the writer's lock of a table, again where others commit first.

        Raises:
            CommitConflict: other writers won every retry.
            StoreUnavailable: the table cannot be read or written, as on a full disk.
        """
        with failures_of(self.uri(name)), self.writing(name):
            return self._retrying(name, self.table(name), attempt)

    def reshape(self, name: str) -> None:
        """Empty a table that can be computed again where its columns are not the declared ones."""
        spec = TABLES[name]
        if [field.name for field in self.table(name).schema().fields] != spec.schema.names:
            DeltaTable.create(
                self.uri(name), spec.schema, mode="overwrite", partition_by=list(spec.partition_by)
            )

    def _replace(
        self, table: DeltaTable, spec: TableSpec, rows: pa.Table, filters: list[Any], predicate: str
    ) -> Change:
        old = table.to_pyarrow_table(filters=filters).select(spec.schema.names).cast(spec.schema)
        if digest(old, order_by=spec.key) == digest(rows):
            return Change(0, 0, table.version())
        write_deltalake(table, rows, mode="overwrite", predicate=predicate, writer_properties=writer_of(spec))
        table.update_incremental()
        return Change(rows.num_rows, old.num_rows, table.version())

    def _merge(
        self,
        table: DeltaTable,
        spec: TableSpec,
        rows: pa.Table,
        vanished: pa.Table | None,
        transactions: Transactions | None,
    ) -> dict[str, Any]:
        ranks = self._ranks if spec.ranked else None
        source = merge.twins(rows, vanished)
        condition = merge.match_condition(spec, extent_of(spec, rows, vanished), ranks)

        def attempt() -> dict[str, Any]:
            if transactions:
                transactions.check(table)
            return (
                table.merge(
                    source,
                    condition,
                    source_alias="s",
                    target_alias="t",
                    writer_properties=writer_of(spec),
                    commit_properties=transactions.properties() if transactions else None,
                )
                .when_matched_update({"superseded_at": "s.known_at"}, predicate=merge.closes())
                .when_not_matched_insert(
                    {column: f"s.{column}" for column in spec.schema.names}, predicate="s.op = 'insert'"
                )
                .execute()
            )

        return self._retrying(spec.name, table, attempt)

    def _retrying(self, name: str, table: DeltaTable, attempt: Callable[[], _Result]) -> _Result:
        """Attempt to commit until no other writer was ahead, each time on the newest version.

        delta-rs does not retry a merge by itself.
        """

        def current() -> _Result:
            table.update_incremental()
            return attempt()

        policy = Retrying(
            retry=retry_if_exception_type(CommitFailedError),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random(0.01, 0.25),
        )
        try:
            return policy(current)
        except RetryError as error:
            raise CommitConflict(
                f"expected to commit to table {name} within {_ATTEMPTS} attempts, found other writers "
                "ahead each time; run the command again when they are done"
            ) from error

    def _make_root(self) -> None:
        if "://" in self.root:
            return
        with failures_of(self.root):
            Path(self.root).mkdir(parents=True, exist_ok=True)

    def _create(self, spec: TableSpec) -> None:
        with failures_of(self.uri(spec.name)):
            try:
                if not DeltaTable.is_deltatable(self.uri(spec.name)):
                    DeltaTable.create(
                        self.uri(spec.name), spec.schema, mode="ignore", partition_by=list(spec.partition_by)
                    )
            except CommitFailedError:
                self.table(spec.name)  # somebody else created it in the same moment


def now_utc() -> datetime:
    """Return the machine's time; only composition roots call this."""
    return datetime.now(UTC)


def _stamped(spec: TableSpec, rows: pa.Table, known_at: datetime) -> pa.Table:
    rows = rows.append_column("known_at", _repeated(spec, known_at, rows.num_rows))
    nothing = pa.nulls(rows.num_rows, spec.schema.field("superseded_at").type)
    return rows.append_column("superseded_at", nothing).select(spec.schema.names).cast(spec.schema)


def _repeated(spec: TableSpec, known_at: datetime, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(known_at, spec.schema.field("known_at").type), count)


def _newest_known_at(table: DeltaTable) -> datetime | None:
    files = entries_of(table)
    if not files.num_rows or "max.known_at" not in files.column_names:
        return None
    newest: datetime | None = pc.max(files["max.known_at"]).as_py()
    return newest if newest is None or newest.tzinfo else newest.replace(tzinfo=UTC)
