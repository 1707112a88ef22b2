"""The live half of a first run: a simulated trading day, played until its first alerts are in the lake."""

from __future__ import annotations

import time
from collections.abc import Callable

from lake.config import load_settings
from lake.store.catalog import connect
from lake.store.lake import Lake
from stack.errors import StackFailed
from stack.installation import Installation
from stack.processes import ENDED, SIMULATION, parts, start_part

STALL_SECONDS = 300
POLL_SECONDS = 2.0

_RAISED = "SELECT count(*) FROM alerts WHERE origin = 'stream'"
_DELIVERED = "SELECT count(*) FROM alerts WHERE origin = 'stream' AND delivered_at IS NOT NULL"


def play_session(installation: Installation, tell: Callable[[str], None]) -> None:
    """Start the next simulated session and return when it has brought alerts, delivered as messages.

    It goes on after that. One that is still being played is left alone.

    Raises:
        StackFailed: the simulation or the worker ended with a failure, or nothing came.
    """
    if not installation.simulation_speed:
        return
    raised, delivered = _counts(installation)
    if _state(installation, SIMULATION) in ENDED:
        start_part(installation, SIMULATION)
    tell("a simulated session begins")
    deadline = time.monotonic() + STALL_SECONDS
    while True:
        now = _counts(installation)
        if now[0] > raised and now[1] > delivered:
            tell(f"{now[0] - raised} live alerts in the lake, {now[1] - delivered} delivered")
            return
        _refuse_failure(installation)
        if time.monotonic() > deadline:
            raise StackFailed(
                f"no live alert was raised and delivered within {STALL_SECONDS} s; "
                f"see {installation.logs}/worker.log and {installation.logs}/{SIMULATION}.log"
            )
        time.sleep(POLL_SECONDS)


def _counts(installation: Installation) -> tuple[int, int]:
    settings = load_settings(lake_home=installation.home, lake_root=installation.values["LAKE_ROOT"])
    con = connect(Lake.open(settings))
    raised, delivered = (int(con.execute(query).fetchall()[0][0]) for query in (_RAISED, _DELIVERED))
    return raised, delivered


def _state(installation: Installation, name: str) -> str:
    return next((part.state for part in parts(installation) if part.name == name), "STOPPED")


def _refuse_failure(installation: Installation) -> None:
    for part in parts(installation):
        failed = part.state == "FATAL" or (part.state == "EXITED" and part.exit_status)
        if part.name in ("worker", SIMULATION) and failed:
            raise StackFailed(
                f"{part.name} ended with {part.exit_status}; see {installation.logs / part.name}.log"
            )
