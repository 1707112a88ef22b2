"""Airflow keeps the logs of its tasks for ever; here they live 14 days."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

KEPT = timedelta(days=14)


def remove_old_logs(folder: Path, now: datetime) -> int:
    """Remove log files that nobody wrote to for `KEPT`, then empty folders; return how many files."""
    oldest = (now - KEPT).timestamp()
    removed = 0
    for path in sorted(folder.rglob("*"), reverse=True):  # what is inside a folder comes before it
        if path.is_symlink() or path.stat().st_mtime >= oldest:
            continue
        if path.is_file():
            path.unlink()
            removed += 1
        elif not any(path.iterdir()):
            path.rmdir()
    return removed
