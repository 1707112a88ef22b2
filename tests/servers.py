"""Real local servers for tests."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 30


@dataclass(frozen=True)
class MongoServer:
    """A running nx-27017 with its own data folder."""

    port: int
    process: subprocess.Popen[bytes]

    def url(self, database: str) -> str:
        """Return the address of a database on it."""
        return f"mongodb://127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server for port {self.port} did not end in {STOP_SECONDS} s") from None


def start_mongo(folder: Path, port: int | None = None) -> MongoServer:
    """Start a MongoDB server with its data in `folder`, on a free port or this one, and wait for it."""
    port = port or free_port()
    program = str(Path(sys.executable).parent / "nx-27017")
    command = [sys.executable, "-m", "stack.heed", program, "--data-dir", str(folder / "data")]
    command += ["-p", str(port), "--log-file", str(folder / "log"), "--pid-file", str(folder / "pid")]
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    _wait_for(port, process)
    return MongoServer(port, process)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None:
                raise AssertionError(f"the server for port {port} ended while starting") from None
            time.sleep(0.05)
    process.kill()
    raise AssertionError(f"nothing listened on port {port} within {START_SECONDS} s")
