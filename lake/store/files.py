"""Files beside the tables, in a folder or a bucket alike."""

from __future__ import annotations

from pathlib import Path

from pyarrow import fs


def file_system(root: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a lake root and the root's path in it."""
    if "://" in root:
        found: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(root)
        return found
    return fs.LocalFileSystem(), str(Path(root).resolve())
