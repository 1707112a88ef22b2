"""Where training sets are: `<lake root>/training/<id>/`, a folder or a bucket alike.

A set is built under a name of its own, its files then moved to their place and its manifest last.
Readers go by the manifest: a set without one is not there. So nothing needs an atomic rename of a
folder, which object stores do not have.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from lake.errors import StoreUnavailable
from lake.store.files import file_system
from lake.training.splits import SPLITS

FOLDER = "training"
MANIFEST = "manifest.json"
ROW_GROUP_ROWS = 32_768


class TrainingFolder:
    """The sealed training sets below one lake root."""

    def __init__(self, root: str) -> None:
        self._files, base = file_system(root)
        self._base = f"{base}/{FOLDER}"
        # Each machine builds under its own name; the writer's lock keeps its processes apart.
        self._building = f"{self._base}/_building-{socket.gethostname()}"

    @contextmanager
    def building(self, schema: pa.Schema) -> Iterator[SetWriter]:
        """Yield a writer of the three files of a set; what an earlier, killed build left is removed."""
        with _as_store_errors(self._base):
            self._clear()
            self._files.create_dir(self._building, recursive=True)
            writer = SetWriter(self._files, self._building, schema)
            try:
                yield writer
            finally:
                writer.close()
                self._clear()

    def seal(self, training_set_id: str, manifest: dict[str, Any]) -> None:
        """Move the files that were built to their place, the manifest last."""
        with _as_store_errors(self._base):
            self._files.create_dir(self._path(training_set_id), recursive=True)
            with self._files.open_output_stream(f"{self._building}/{MANIFEST}") as stream:
                stream.write(json.dumps(manifest, indent=1).encode())
            for name in (*map(_file_name, SPLITS), MANIFEST):
                self._files.move(f"{self._building}/{name}", f"{self._path(training_set_id)}/{name}")

    def manifest(self, training_set_id: str) -> dict[str, Any] | None:
        """Return the manifest of a sealed set; None if there is none."""
        with _as_store_errors(self._base):
            path = f"{self._path(training_set_id)}/{MANIFEST}"
            if self._files.get_file_info(path).type == fs.FileType.NotFound:
                return None
            with self._files.open_input_stream(path) as stream:
                stored: dict[str, Any] = json.loads(stream.read())
                return stored

    def row_groups(self, training_set_id: str, split: str) -> Iterator[pa.Table]:
        """Yield the rows of one split of a sealed set, a row group at a time."""
        with _as_store_errors(self._base):
            path = f"{self._path(training_set_id)}/{_file_name(split)}"
            with self._files.open_input_file(path) as source, pq.ParquetFile(source) as stored:
                for number in range(stored.num_row_groups):
                    yield stored.read_row_group(number)

    def _path(self, training_set_id: str) -> str:
        return f"{self._base}/{training_set_id}"

    def _clear(self) -> None:
        if self._files.get_file_info(self._building).type == fs.FileType.Directory:
            self._files.delete_dir(self._building)


class SetWriter:
    """Writes the rows of the three splits, each in row groups of one size."""

    def __init__(self, files: fs.FileSystem, folder: str, schema: pa.Schema) -> None:
        self._writers = {
            split: pq.ParquetWriter(
                f"{folder}/{_file_name(split)}", schema, filesystem=files, compression="zstd"
            )
            for split in SPLITS
        }
        self._waiting: dict[str, list[pa.Table]] = {split: [] for split in SPLITS}

    def write(self, split: str, rows: pa.Table) -> None:
        """Append rows to a split."""
        waiting = self._waiting[split]
        waiting.append(rows)
        if sum(table.num_rows for table in waiting) >= ROW_GROUP_ROWS:
            together = pa.concat_tables(waiting)
            whole = together.num_rows - together.num_rows % ROW_GROUP_ROWS
            self._write(split, together.slice(0, whole))
            self._waiting[split] = [together.slice(whole)]

    def close(self) -> None:
        """Write what waits and end the files."""
        for split, waiting in self._waiting.items():
            if any(table.num_rows for table in waiting):
                self._write(split, pa.concat_tables(waiting))
            self._waiting[split] = []
            self._writers[split].close()

    def _write(self, split: str, rows: pa.Table) -> None:
        self._writers[split].write_table(rows, row_group_size=ROW_GROUP_ROWS)


def _file_name(split: str) -> str:
    return f"{split}.parquet"


@contextmanager
def _as_store_errors(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"expected to read and write training sets in {place}, found: {error}; "
            "check LAKE_ROOT, its owner and the space left"
        ) from error
