"""The process `serve`: keeps the served catalog up to date with the lake until it is told to stop."""

from __future__ import annotations

import signal
import sys
import threading

from lake.config import load_settings
from lake.serve.watch import Watch
from lake.store.lake import Lake


def main() -> int:
    """Serve until SIGTERM or SIGINT; a fault is one sentence and a later try."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = load_settings()
    watch = Watch(lambda: Lake.open(settings), settings.local_folder, tell=_say)
    watch.run(stop)
    return 0


def _say(sentence: str) -> None:
    print(f"serve: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
