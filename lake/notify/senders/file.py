"""Messages as lines of a local file."""

from __future__ import annotations

import os
from pathlib import Path

from lake.notify.message import Message
from lake.notify.outcome import Outcome
from lake.notify.text import one_line


class FileSender:
    """Appends one line a message and waits until the disk has it; a message stands there once.

    A line is `time severity subject: text id`, the id last: a line that was torn by a crash has none.
    """

    longest_text = 100_000
    knows_repeats = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, message: Message) -> Outcome:
        """Append a message unless its id stands in the file already."""
        try:
            return self._append(message)
        except OSError as error:
            # The line may be in the file although the disk did not say so; the next try looks for it.
            return Outcome("uncertain", f"{self.path}: {error.strerror or error}")

    def _append(self, message: Message) -> Outcome:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        with self.path.open("a+b") as file:
            if message.is_repeat and _has_line_ending_in(message.message_id, file.fileno()):
                return Outcome("sent", "stood in the file already")
            file.write((b"" if _ends_a_line(file.fileno()) else b"\n") + _line(message))
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            _keep_name(self.path.parent)
        return Outcome("sent", "appended")


def _line(message: Message) -> bytes:
    text = one_line(message.text.replace("\n", "; "), 4_000)
    moment = f"{message.written_at:%Y-%m-%dT%H:%M:%SZ}"
    return f"{moment} {message.severity} {message.subject} | {text} | {message.message_id}\n".encode()


def _ends_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _has_line_ending_in(message_id: str, descriptor: int) -> bool:
    ending = f" {message_id}".encode()
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        return any(line.endswith(ending + b"\n") for line in file)


def _keep_name(folder: Path) -> None:
    """Wait until the disk has the name of a new file as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
