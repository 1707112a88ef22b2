"""`python -m stack.wait WHAT … -- COMMAND …`: become COMMAND once everything it needs answers.

The process manager starts its parts one after the other without asking whether they are ready.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping

from lake.config import load_settings
from lake.ports import is_taken
from stack.installation import Installation, find_installation

POLL_SECONDS = 0.2


def broker_answers(installation: Installation) -> bool:
    """Return whether a broker listens where the configuration says that one is."""
    if installation.has_own_broker and not installation.broker_file.exists():
        return False
    address = load_settings(lake_home=installation.home).kafka_bootstrap_servers.split(",")[0]
    host, _, port = address.rpartition(":")
    return is_taken(int(port), host or "127.0.0.1")


def mongo_answers(installation: Installation) -> bool:
    """Return whether something listens at MONGO_URL."""
    host, port = installation.mongo_address
    return is_taken(port, host)


NEEDS: Mapping[str, Callable[[Installation], bool]] = {"broker": broker_answers, "mongo": mongo_answers}


def main() -> int:
    """Wait, then replace this process by the command."""
    if "--" not in sys.argv or not (command := sys.argv[sys.argv.index("--") + 1 :]):
        print(f"expected: python -m stack.wait {' '.join(NEEDS)} -- COMMAND", file=sys.stderr)
        return 2
    installation = find_installation(load_settings().lake_home)
    for name in sys.argv[1 : sys.argv.index("--")]:
        while not NEEDS[name](installation):
            time.sleep(POLL_SECONDS)
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
