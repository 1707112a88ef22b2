"""Which symbols the lake knows, and on which exchange; looked up again when a new one turns up."""

from __future__ import annotations

from collections.abc import Collection

from lake.store.lake import Lake


class Listing:
    """The exchange of every symbol of the lake, as of its table's version when last looked at."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._version = -1
        self.exchanges: dict[str, str] = {}

    def knows(self, symbols: Collection[str]) -> bool:
        """Return whether all symbols are known, after another look if the table has changed."""
        return self.exchanges.keys() >= set(symbols) or (
            self.refresh() and self.exchanges.keys() >= set(symbols)
        )

    def refresh(self) -> bool:
        """Read the table again if it has changed and return whether it had."""
        table = self._lake.table("symbols")
        if table.version() == self._version:
            return False
        rows = table.to_pyarrow_table(columns=["symbol", "exchange", "superseded_at"])
        current = rows.filter(rows["superseded_at"].is_null()).to_pydict()
        self.exchanges = dict(zip(current["symbol"], current["exchange"], strict=True))
        self._version = table.version()
        return True
