"""What one ingest run has fetched and not yet merged; shared by the tasks of the run.

A run's folder holds a Parquet file a chunk and table, and `run.json` from the moment its merge
begins. A run that was killed while merging is finished as it was staged, under the same `known_at`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from lake.store.failures import failures_of
from lake.store.files import file_system, open_for_writing

FOLDER = "_staging"


class Staging:
    """The staged rows of one run."""

    def __init__(self, root: str, run_id: str) -> None:
        self._files, base = file_system(root)
        self._folder = f"{base}/{FOLDER}/{_safe(run_id)}"

    def put(self, chunk: str, tables: Mapping[str, pa.Table]) -> None:
        """Store one chunk's rows, replacing what it staged before."""
        with failures_of(self._folder):
            self._files.create_dir(self._folder, recursive=True)
            for name, rows in tables.items():
                self._replace(f"{name}-{chunk}.parquet", partial(self._write, rows))

    def groups(self, names: Collection[str], rows: int) -> Iterator[dict[str, pa.Table]]:
        """Yield the staged tables by name, chunks in order joined until they hold so many rows.

        A chunk that lacks one of `names` is left out: it was merged, and a killed run had begun to clear it.
        """
        with failures_of(self._folder):
            chunks = [chunk for chunk in self._chunks() if chunk.keys() >= set(names)]
        waiting: dict[str, list[pa.Table]] = {}
        count = 0
        for chunk in chunks:
            for name, path in chunk.items():
                with failures_of(path):
                    table = pq.read_table(path, filesystem=self._files)
                waiting.setdefault(name, []).append(table)
                count += table.num_rows
            if count >= rows:
                yield {name: pa.concat_tables(parts) for name, parts in waiting.items()}
                waiting, count = {}, 0
        if waiting:
            yield {name: pa.concat_tables(parts) for name, parts in waiting.items()}

    def known_at(self) -> datetime | None:
        """Return the moment this run's merge was stamped with; None if it has not begun."""
        path = f"{self._folder}/run.json"
        if self._files.get_file_info(path).type == fs.FileType.NotFound:
            return None
        with failures_of(self._folder), self._files.open_input_stream(path) as stream:
            return datetime.fromisoformat(json.loads(stream.read())["known_at"])

    def begin_merge(self, known_at: datetime) -> None:
        """Record that the merge begins, with its one `known_at`."""
        content = json.dumps({"known_at": known_at.isoformat()}).encode()
        with failures_of(self._folder):
            self._files.create_dir(self._folder, recursive=True)
            self._replace("run.json", partial(self._write_bytes, content))

    def clear(self) -> None:
        """Forget the run: everything is merged, or is to be fetched anew."""
        with failures_of(self._folder):
            if self._files.get_file_info(self._folder).type == fs.FileType.Directory:
                self._files.delete_dir(self._folder)

    def _chunks(self) -> list[dict[str, str]]:
        """Return the paths of each chunk's tables by name."""
        found: dict[str, dict[str, str]] = {}
        for path in self._paths():
            name, _, chunk = Path(path).name.removesuffix(".parquet").partition("-")
            if path.endswith(".parquet") and not name.startswith("."):
                found.setdefault(chunk, {})[name] = path
        return [found[chunk] for chunk in sorted(found)]

    def _paths(self) -> list[str]:
        selector = fs.FileSelector(self._folder, allow_not_found=True)
        return sorted(info.path for info in self._files.get_file_info(selector))

    def _replace(self, name: str, write: Callable[[str], None]) -> None:
        # Under another name first: a killed writer leaves no half file under this one.
        temporary = f"{self._folder}/.{name}"
        write(temporary)
        self._files.move(temporary, f"{self._folder}/{name}")

    def _write(self, rows: pa.Table, path: str) -> None:
        with open_for_writing(self._files, path) as stream:
            pq.write_table(rows, stream, compression="zstd")

    def _write_bytes(self, content: bytes, path: str) -> None:
        with self._files.open_output_stream(path) as stream:
            stream.write(content)


def _safe(run_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", run_id).lstrip(".")
