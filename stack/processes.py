"""The process manager and everything below it: start, look, stop, and leave nobody behind."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from lake.ports import holder, is_taken
from stack.environment import MARK, environment_of
from stack.errors import PortTaken, StackFailed
from stack.installation import Installation

SIMULATION = "simulation"
"""The part that plays one trading day and ends."""

ENDED = ("STOPPED", "EXITED", "FATAL")
"""States of a part that does not run."""

STOP_SECONDS = 120
"""The longest ordered stop: every part within its own limit."""

ORPHAN_ROUNDS = (
    (psutil.Process.terminate, 20, True),
    (psutil.Process.terminate, 3, False),
    (psutil.Process.kill, 10, False),
)
"""How orphans are asked to end, how many seconds they get, and whether only parents are asked."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part as the process manager sees it; `exit_status` is that of its last end."""

    name: str
    state: str
    description: str
    exit_status: int = 0


def refuse_taken_ports(installation: Installation) -> None:
    """Check every port before anything starts.

    Raises:
        PortTaken: somebody else listens there; names who, where the system tells.
    """
    for variable, (name, port) in installation.ports.items():
        if is_taken(port):
            owner = holder(port)
            held = f"process {owner} holds it" if owner else "another program holds it"
            raise PortTaken(
                f"expected port {port} free for {name}, found that {held}; "
                f"stop it, or set {variable} in {installation.home / '.env'} to another port"
            )


def processes_of(installation: Installation) -> list[psutil.Process]:
    """Return every living process of this installation's stack."""
    mark = str(installation.var)
    return [process for process in psutil.process_iter() if _mark_of(process) == mark]


def memory_of(installation: Installation) -> float:
    """Return the memory of the whole stack in GiB; what is shared counts once where the system tells."""
    return sum(_memory(process) for process in processes_of(installation)) / 2**30


def _memory(process: psutil.Process) -> int:
    try:
        found = process.memory_full_info()
    except psutil.Error:  # ended meanwhile
        return 0
    return int(getattr(found, "pss", found.rss))


def manager_of(installation: Installation) -> psutil.Process | None:
    """Return the running process manager; a stale pid file, or one of another program, is none."""
    try:
        process = psutil.Process(int((installation.var / "run" / "supervisord.pid").read_text()))
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return process if _mark_of(process) == str(installation.var) else None


def runs_otherwise(manager: psutil.Process, installation: Installation) -> bool:
    """Return whether a running stack was started with other settings than the present ones."""
    return bool(manager.environ().get(f"{MARK}_FINGERPRINT") != installation.fingerprint)


def start_manager(installation: Installation) -> None:
    """Start the process manager, which starts everything else in order.

    Raises:
        StackFailed: it refused to start.
    """
    for stale in (installation.var / "run" / "mongo.pid", installation.socket, installation.broker_file):
        stale.unlink(missing_ok=True)
    conf = installation.home / "stack" / "supervisord.conf"
    command = [str(installation.bin / "supervisord"), "-c", str(conf)]
    if os.getuid() == 0:  # without it supervisor warns that it kept root
        command += ["-u", "root"]
    done = subprocess.run(command, env=environment_of(installation), capture_output=True, text=True)
    if done.returncode:
        raise StackFailed(f"the process manager did not start: {(done.stderr or done.stdout).strip()}")


def parts(installation: Installation) -> list[Part]:
    """Return the state of every server, in order of name; empty while the manager does not answer."""
    try:
        with closing(_control(installation)) as transport:
            rows = cast(list[dict[str, Any]], _server(transport).supervisor.getAllProcessInfo())
    except (OSError, Fault):
        return []
    return [Part(row["name"], row["statename"], row["description"], row["exitstatus"]) for row in rows]


def start_missing(installation: Installation) -> None:
    """Start every server that should run and does not."""
    stopped = {part.name for part in parts(installation) if part.state in ENDED}
    for name in sorted(stopped & servers(installation), reverse=True):
        start_part(installation, name)


def servers(installation: Installation) -> set[str]:
    """Return the names of the parts that run all the time."""
    not_ours = {"mongo": installation.has_own_mongo, "broker": installation.has_own_broker}
    found = {part.name for part in parts(installation)} - {SIMULATION}
    return found - {name for name, is_ours in not_ours.items() if not is_ours}


def start_part(installation: Installation, name: str) -> None:
    """Ask the manager to start one part, without waiting for it."""
    with closing(_control(installation)) as transport:
        _server(transport).supervisor.startProcess(name, False)


def stop(installation: Installation) -> int:
    """Stop everything in order and return how many processes ended.

    Raises:
        StackFailed: a process outlived every request to end.
    """
    before = len(processes_of(installation))
    if manager := manager_of(installation):
        _unless_gone(manager, psutil.Process.terminate)
        _wait_until_gone([manager], STOP_SECONDS)
    stop_orphans(installation)
    return before


def stop_orphans(installation: Installation) -> None:
    """End processes that a killed manager left behind: parents first, since they end their own workers.

    Airflow's idle workers ignore SIGTERM once their scheduler is gone; only they come to SIGKILL.

    Raises:
        StackFailed: one outlived SIGKILL, or a manager still runs.
    """
    if manager_of(installation):
        raise StackFailed(f"the process manager still runs after {STOP_SECONDS} s; see {installation.logs}")
    for end, seconds, only_parents in ORPHAN_ROUNDS:
        orphans = processes_of(installation)
        ids = {process.pid for process in orphans}
        asked = [process for process in orphans if not only_parents or _parent_id(process) not in ids]
        for process in asked:
            _unless_gone(process, end)
        _wait_until_gone(asked, seconds)
    if left := processes_of(installation):
        raise StackFailed(f"these processes did not end: {', '.join(str(process.pid) for process in left)}")


def _unless_gone(process: psutil.Process, end: Any) -> None:
    try:
        end(process)
    except psutil.NoSuchProcess:
        return


def _wait_until_gone(processes: Iterable[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(_is_alive(process) for process in processes):
        time.sleep(0.1)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _parent_id(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return 0


def _mark_of(process: psutil.Process) -> str | None:
    try:
        found: str | None = process.environ().get(MARK)
        return found if _is_alive(process) else None
    except (psutil.Error, OSError):  # ended meanwhile, or belongs to somebody else
        return None


def _control(installation: Installation) -> SupervisorTransport:
    return SupervisorTransport(None, None, f"unix://{installation.socket}")


def _server(transport: SupervisorTransport) -> Any:
    return ServerProxy("http://127.0.0.1", transport=transport)
