"""Commands whose n-th system call on the lake's files fails, or at which they are killed."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

WRITING = {"write", "pwrite64", "writev", "truncate", "ftruncate", "fallocate", "copy_file_range", "sendfile"}
"""Calls that only a file that is being written meets."""

OPENING = {"open", "openat", "creat"}

CREATING = WRITING | OPENING | {"mkdir", "mkdirat", "link", "linkat", "fsync", "fdatasync"}
CREATING |= {"rename", "renameat", "renameat2"}
"""Calls that may find the disk full."""

CHANGING = CREATING | {"close", "unlink", "unlinkat", "rmdir"}
"""Calls between which a kill leaves different things behind."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What happens to the n-th call of a name, or of a kind, on the lake's files: an error, or SIGKILL.

    Threads of a commit take turns as they like: the n-th call of a kind is the same in every run, the n-th
    of a name is not.
    """

    call: str
    number: int
    effect: str

    @property
    def name(self) -> str:
        """Return the name of the call."""
        return self.call.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a command made on a file of the lake, the how-maniest of its kind."""

    kind: str
    number: int

    @property
    def name(self) -> str:
        """Return the name of the call."""
        return self.kind.partition(" ")[0]

    @property
    def path(self) -> str:
        """Return the place, without what differs from run to run."""
        return self.kind.partition(" ")[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: exit code (negative for a signal), what it said, its calls, which one failed."""

    code: int
    said: str
    calls: list[Call]
    hit: Call | None


class Commands:
    """Commands on throw-away lakes, each in a fork of one warm process."""

    def __init__(self, server: subprocess.Popen[str], folder: Path) -> None:
        self._server, self._folder = server, folder

    def run(
        self, root: Path, arguments: Sequence[str], fault: Fault | None = None, counted: bool = True
    ) -> Ended:
        """Run `lake` with arguments on the lake at `root`; it takes half as long if no call is `counted`."""
        wanted = (fault.call, fault.number, fault.effect) if fault else None
        request = {"root": str(root), "arguments": arguments, "output": str(self._folder), "fault": wanted}
        request["counted"] = counted
        print(json.dumps(request), file=self._server.stdin, flush=True)
        line = self._server.stdout.readline()  # type: ignore[union-attr]
        assert line, "the warm process is gone"
        found, counts = json.loads(line), Counter[str]()
        calls = []
        for kind in found["calls"]:
            counts[kind] += 1
            calls.append(Call(kind, counts[kind]))
        hit = None if found["hit"] is None else calls[found["hit"]]
        return Ended(found["code"], (self._folder / "err").read_text(), calls, hit)


@contextmanager
def commands(folder: Path) -> Iterator[Commands]:
    """Start the warm process, or skip by name where it cannot do its work."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("system calls are made to fail on Linux on x86-64 only")
    folder.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-c", "from tests.warm import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Commands(server, folder)
    finally:
        server.stdin.close()  # type: ignore[union-attr]
        server.wait()
        server.stdout.close()  # type: ignore[union-attr]
