"""Files beside the tables, in a folder or a bucket alike."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from pyarrow import fs

_LOCAL = "file://"


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


def is_remote(table: DeltaTable) -> bool:
    """Return whether a table is in a bucket."""
    return not table.table_uri.startswith(_LOCAL)


def local_path(table: DeltaTable, uri: str) -> str:
    """Return the path of a file of a local table from its address, in which the folder is percent-encoded."""
    root = table.table_uri.removeprefix(_LOCAL)
    return unquote(root) + uri.removeprefix(root)


def entries_of(table: DeltaTable) -> pa.Table:
    """Return the log's entries of a table's files, one row each.

    `pa.table` would do it too, and import pandas to see whether this is one of its frames.
    """
    return pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()


def entry_path(table: DeltaTable, path: str) -> str:
    """Return the path of a file of a local table from its entry in the log, where it is percent-encoded."""
    return unquote(table.table_uri.removeprefix(_LOCAL)) + unquote(path)
