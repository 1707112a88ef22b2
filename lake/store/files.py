"""Files beside the tables, in a folder or a bucket alike."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import fs


def file_system(root: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a lake root and the root's path in it."""
    if "://" in root:
        found: tuple[fs.FileSystem, str] = fs.FileSystem.from_uri(root)
        return found
    return fs.LocalFileSystem(), str(Path(root).resolve())


PIECE = 1 << 20
"""Bytes handed to the system at once: a Parquet writer puts out some dozens at a time."""


def open_for_writing(files: fs.FileSystem, path: str) -> pa.NativeFile:
    """Open a new file, or an old one anew, whose bytes are collected before they are written."""
    return files.open_output_stream(path, compression=None, buffer_size=PIECE)
