"""What killed and failed runs left beside the tables, where no table's own vacuum finds it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

from pyarrow import fs

from lake.store.files import file_system
from lake.store.staging import FOLDER
from lake.store.tables import TABLES

HALF_WRITTEN_KEPT = timedelta(hours=24)
"""A half-written file is somebody's who still writes it, if he began it so recently."""

STAGED_KEPT = timedelta(days=14)
"""A failed run of Airflow may be resumed as long as its logs are there to read."""

_HALF_WRITTEN = re.compile(r"#\d+$")  # how delta-rs calls a file on a disk until it is whole


def remove_leftovers(root: str, now: datetime) -> dict[str, int]:
    """Remove half-written files and stagings that nobody touched for a while; return how many of each."""
    return {
        "half_written": _remove_half_written(root, now) if "://" not in root else 0,  # a bucket shows none
        "stagings": _remove_stagings(root, now),
    }


def _remove_half_written(root: str, now: datetime) -> int:
    oldest = (now - HALF_WRITTEN_KEPT).timestamp()
    removed = 0
    for name in TABLES:
        for path in Path(root, name).rglob("*#*"):
            if _HALF_WRITTEN.search(path.name) and path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
    return removed


def _remove_stagings(root: str, now: datetime) -> int:
    files, base = file_system(root)
    found = files.get_file_info(fs.FileSelector(f"{base}/{FOLDER}", allow_not_found=True))
    removed = 0
    for folder in (info.path for info in found if info.type == fs.FileType.Directory):
        inside = files.get_file_info(fs.FileSelector(folder, recursive=True))
        times = [info.mtime for info in (*inside, *files.get_file_info([folder])) if info.mtime is not None]
        if times and max(times) < now - STAGED_KEPT:
            files.delete_dir(folder)
            removed += 1
    return removed
