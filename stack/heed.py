"""`python -m stack.heed PROGRAM …`: run a Python program so that no request to end it is lost.

Airflow's scheduler and nx-27017 answer SIGTERM by raising SystemExit. Where the signal comes while Python
lets go of an object, in a finalizer or in a callback of a weak reference, the exception is ignored and the
program runs on, until the process manager loses patience and kills it.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

ASK_AGAIN_SECONDS = 0.1
"""Late enough to leave the finalizer; asked inside it, the exception would be ignored once more."""


def ask_again_if_lost() -> None:
    """Send this process SIGTERM anew whenever Python ignored a SystemExit; tell others as before."""
    sys.unraisablehook = _heed


def _heed(ignored: sys.UnraisableHookArgs) -> None:
    if not isinstance(ignored.exc_value, SystemExit):
        sys.__unraisablehook__(ignored)
        return
    threading.Timer(ASK_AGAIN_SECONDS, os.kill, (os.getpid(), signal.SIGTERM)).start()


def main() -> None:
    """Run PROGRAM, a script of the environment, with the arguments that follow it."""
    if len(sys.argv) < 2:
        sys.exit("expected: python -m stack.heed PROGRAM [ARGUMENT …]")
    ask_again_if_lost()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
