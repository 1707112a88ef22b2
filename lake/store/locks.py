"""Writers' locks: one writer of a table at a time on this machine.

Delta's own commit protocol keeps writers on several machines apart; the lock only spares local
ones the retries and makes `known_at` rise with the order of commits.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from filelock import FileLock


def writer_lock(root: str, name: str) -> FileLock:
    """Return the lock of `name` within the lake at `root`; re-entrant within one process."""
    return FileLock(_folder(root) / f"{name}.lock", is_singleton=True)


def _folder(root: str) -> Path:
    if "://" in root:
        address = hashlib.sha256(root.encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"lake-locks-{address}"
    else:
        folder = Path(root) / "_locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
