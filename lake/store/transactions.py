"""Application transactions: how far a writer has come with its input, in the commit that brings the rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from deltalake import CommitProperties, DeltaTable, Transaction

from lake.errors import LakeError


class TransactionTaken(LakeError):
    """Another writer has carried on transactions that this one believed to be its own."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = frozenset(names)
        super().__init__(
            f"expected to be the only writer of {', '.join(sorted(names))}, found that another one went on; "
            "its rows stand, and these are dropped"
        )


@dataclass(frozen=True, slots=True)
class Transactions:
    """New versions of some application transactions, and the versions that this writer read or wrote."""

    versions: Mapping[str, int]
    known: Mapping[str, Collection[int | None]]

    def check(self, table: DeltaTable) -> None:
        """Return if the table says nothing of these transactions that this writer does not know.

        Raises:
            TransactionTaken: it does.
        """
        taken = [name for name in self.versions if table.transaction_version(name) not in self.known[name]]
        if taken:
            raise TransactionTaken(taken)

    def properties(self) -> CommitProperties:
        """Return what makes a commit carry them."""
        return CommitProperties(
            app_transactions=[Transaction(name, version) for name, version in self.versions.items()]
        )
