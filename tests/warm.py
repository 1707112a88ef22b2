"""A process that has imported what commands need, runs each in a fork of itself, and fails its system calls.

The fork hands every call that touches files to this process first (a seccomp filter, and ptrace, as
strace does it). strace itself counts calls by thread and on all files alike, so that a commit's own
writes, made by threads of Rust beside pipes and event counters, cannot be named by their number:
here only calls on files of the lake count, whoever makes them, in the order in which they are made.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import json
import os
import re
import signal
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lake.market.sessions import calendar

MODULES = ("lake.cli", "lake.steps.derive", "lake.steps.enrich", "lake.steps.ingest", "lake.steps.maintain")

PATH, PATH_AT, DESCRIPTOR = "path", "path at a folder", "descriptor"
CALLS = {
    0: ("read", DESCRIPTOR),
    1: ("write", DESCRIPTOR),
    2: ("open", PATH),
    3: ("close", DESCRIPTOR),
    17: ("pread64", DESCRIPTOR),
    18: ("pwrite64", DESCRIPTOR),
    20: ("writev", DESCRIPTOR),
    40: ("sendfile", DESCRIPTOR),
    73: ("flock", DESCRIPTOR),
    74: ("fsync", DESCRIPTOR),
    75: ("fdatasync", DESCRIPTOR),
    76: ("truncate", PATH),
    77: ("ftruncate", DESCRIPTOR),
    82: ("rename", PATH),
    83: ("mkdir", PATH),
    84: ("rmdir", PATH),
    85: ("creat", PATH),
    86: ("link", PATH),
    87: ("unlink", PATH),
    217: ("getdents64", DESCRIPTOR),
    257: ("openat", PATH_AT),
    258: ("mkdirat", PATH_AT),
    262: ("newfstatat", PATH_AT),
    263: ("unlinkat", PATH_AT),
    264: ("renameat", PATH_AT),
    265: ("linkat", PATH_AT),
    285: ("fallocate", DESCRIPTOR),
    316: ("renameat2", PATH_AT),
    326: ("copy_file_range", DESCRIPTOR),
    332: ("statx", PATH_AT),
}
"""System calls of x86-64 by number, and by what their first arguments say which file they are about."""

LONGEST = 120
"""Seconds after which a command is taken to hang, and is ended by SIGALRM."""

_TRACEME, _CONT, _GETREGS, _SETREGS, _SETOPTIONS = 0, 7, 12, 13, 0x4200
_OPTIONS = 0x2 | 0x4 | 0x8 | 0x80 | 0x100000  # follow forks, vforks and clones; seccomp stops; die with us
_SECCOMP_STOP, _ALL_THREADS = 7, 0x40000000
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_RETURN_VALUE, _SIXTH_TO_FIRST, _NUMBER = 10, (9, 7, 12, 13, 14), 15  # places in user_regs_struct
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def serve() -> None:
    """Run the commands that come in, a line each, and answer with exit code and calls."""
    for name in MODULES:
        importlib.import_module(name)
    calendar("XNYS")  # which takes longer to work out than a small commit
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(request)
        watch = Watch(pid, request["root"], request["fault"])
        code = watch.run()
        print(json.dumps({"code": code, "calls": watch.calls, "hit": watch.hit}), flush=True)


@dataclass
class Watch:
    """The tracer of one command: counts its calls on files below `root`, and injects one fault."""

    pid: int
    root: str
    fault: tuple[str, int, str] | None
    calls: list[str] = field(default_factory=list)
    hit: int | None = None
    met: int = 0
    started: set[int] = field(default_factory=set)

    def run(self) -> int:
        """Let the command run to its end and return its exit code, negative for a signal."""
        os.waitpid(self.pid, 0)
        _libc.ptrace(_SETOPTIONS, self.pid, None, _OPTIONS)
        self._go_on(self.pid)
        while True:
            task, status = os.waitpid(-1, _ALL_THREADS)
            if os.WIFSTOPPED(status):
                self._stopped(task, status)
            elif task == self.pid:
                return os.waitstatus_to_exitcode(status)

    def _stopped(self, task: int, status: int) -> None:
        event, received = status >> 16, os.WSTOPSIG(status)
        if event == _SECCOMP_STOP:
            self._about_to_call(task)
        is_news = event or (received == signal.SIGSTOP and task not in self.started)
        self._go_on(task, 0 if is_news else received)
        self.started.add(task)

    def _go_on(self, task: int, received: int = 0) -> None:
        _libc.ptrace(_CONT, task, None, received)

    def _about_to_call(self, task: int) -> None:
        if self.hit is not None:
            return  # nobody asks what came after
        registers = (ctypes.c_ulonglong * 27)()
        if _libc.ptrace(_GETREGS, task, None, ctypes.addressof(registers)):
            return  # killed meanwhile
        name, kind = CALLS[registers[_NUMBER]]
        path = _path_of(task, kind, registers[14], registers[13])
        if path is None or not path.startswith(self.root):
            return
        self.calls.append(f"{name} {_same_in_every_run(path.removeprefix(self.root))}")
        if self.fault is None or not f"{self.calls[-1]} ".startswith(f"{self.fault[0]} "):
            return
        self.met += 1
        if self.met < self.fault[1]:
            return
        self.hit = len(self.calls) - 1
        if self.fault[2] == "SIGKILL":
            os.kill(self.pid, signal.SIGKILL)
            return
        registers[_NUMBER] = 2**64 - 1  # no call at all
        registers[_RETURN_VALUE] = 2**64 - getattr(errno, self.fault[2])
        _libc.ptrace(_SETREGS, task, None, ctypes.addressof(registers))


def _path_of(task: int, kind: str, first: int, second: int) -> str | None:
    """Return which file a call is about, None if that cannot be told."""
    try:
        if kind == DESCRIPTOR:
            return str(Path(f"/proc/{task}/fd/{first}").readlink())
        text = _text(task, first if kind == PATH else second)
        if kind == PATH_AT and not text.startswith("/") and first < 2**31:
            return str(Path(f"/proc/{task}/fd/{first}").readlink() / text)
    except OSError:
        return None
    return text


def _same_in_every_run(path: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}", "*", path)


def _text(task: int, address: int) -> str:
    with Path(f"/proc/{task}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        found = b""
        while b"\0" not in found:  # not beyond the page, which may be the last
            found += memory.read(4096 - (address + len(found)) % 4096)
    return found.partition(b"\0")[0].decode(errors="replace")


def _become(request: dict[str, Any]) -> None:
    """Be the command `lake`, with its output in files, and end with its exit code."""
    code = 0
    try:
        signal.alarm(LONGEST)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{request['output']}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.environ["LAKE_ROOT"] = request["root"]
        sys.argv = ["lake", *request["arguments"]]
        _libc.ptrace(_TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        if request["counted"]:
            _hand_over_calls()
        importlib.import_module("lake.cli").main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _hand_over_calls() -> None:
    """From here on, stop before every call of CALLS for the tracer."""
    # struct sock_filter: load the call's number; for each of ours jump to the last line; allow; trace.
    lines = [(0x20, 0, 0, 0)]
    lines += [(0x15, len(CALLS) - place, 0, number) for place, number in enumerate(CALLS)]
    lines += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x7FF00000)]
    program = b"".join(
        code.to_bytes(2, "little") + bytes([yes, no]) + value.to_bytes(4, "little")
        for code, yes, no, value in lines
    )
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("lines", ctypes.c_void_p)]

    described = Program(len(lines), ctypes.addressof(buffer))
    for arguments in (
        (_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        (_SECCOMP, _FILTER, ctypes.byref(described), 0, 0),
    ):
        if _libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "this kernel does not let calls be traced")
