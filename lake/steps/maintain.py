"""Maintain: compaction, checkpoint and vacuum of every table, and what killed runs left behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from lake.config import Settings
from lake.store.compaction import sort_files
from lake.store.failures import failures_of
from lake.store.lake import Lake, now_utc
from lake.store.leftovers import remove_leftovers
from lake.store.tables import TABLES

RETENTION_HOURS = 24
"""Files a reader may still need are kept this long after a newer version replaced them."""


def maintain(settings: Settings, now: datetime | None = None) -> dict[str, Any]:
    """Compact tables with small files, write checkpoints, remove what no version and no run needs.

    Raises:
        StoreUnavailable: a table cannot be read or written, as on a full disk.
    """
    lake = Lake.open(settings)
    counts: dict[str, Any] = {name: _maintain_table(lake, name) for name in TABLES}
    with failures_of(lake.root):
        return {**counts, "leftovers": remove_leftovers(lake.root, now or now_utc())}


def _maintain_table(lake: Lake, name: str) -> dict[str, int]:
    with failures_of(lake.uri(name)), lake.writing(name):
        compacted = sort_files(lake.table(name), TABLES[name])
        table = lake.table(name)
        table.create_checkpoint()
        removed = table.vacuum(
            retention_hours=RETENTION_HOURS, enforce_retention_duration=False, dry_run=False, full=True
        )
        table.cleanup_metadata()
    return {
        "files_compacted": compacted,
        "files_removed": len(removed),
        "version": lake.table(name).version(),
    }
