"""Verify: the lake's own audits; each is a query that returns bad rows."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from lake.config import Settings
from lake.store.catalog import connect
from lake.store.lake import Lake


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit and the bad rows that it found."""

    name: str
    bad_rows: pa.Table

    @property
    def is_clean(self) -> bool:
        """Return whether nothing was found."""
        return bool(self.bad_rows.num_rows == 0)


def verify(settings: Settings) -> list[Audit]:
    """Run every query of sql/audits over the current table versions."""
    con = connect(Lake.open(settings))
    files = sorted((settings.sql_folder / "audits").glob("*.sql"))
    return [Audit(path.stem, con.execute(path.read_text()).to_arrow_table()) for path in files]
