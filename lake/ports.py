"""Who listens on a port of this machine."""

from __future__ import annotations

import socket
from pathlib import Path

_LISTEN = "0A"


def is_taken(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether something listens on `host` at `port`."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0


def holder(port: int) -> str | None:
    """Return the process that listens on `port` as `PID COMMAND`; None where that cannot be told.

    Linux tells by /proc, and only of processes that this user may look into.
    """
    inodes = _listening(port)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(link.readlink().name in inodes for link in (process / "fd").iterdir()):
                return f"{process.name} {_command(process)}"
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
    return None


def _listening(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def _command(process: Path) -> str:
    return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:80]
