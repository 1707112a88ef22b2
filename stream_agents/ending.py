"""How this process ends when something is wrong that is not the data's fault: at once, and not with 0.

What was not landed was not acknowledged either, so whoever starts it again loses nothing; an orderly
stop after a failure could hang for a broker that is gone.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import NoReturn

FAILED = 1
STOP_SECONDS = 12
"""The longest orderly stop."""

_log = logging.getLogger(__name__)


def end(error: BaseException | str) -> NoReturn:
    """End the process with its reason in the log."""
    exc_info = error if isinstance(error, BaseException) else None
    _log.critical("The worker ends: %s", error or type(error).__name__, exc_info=exc_info)
    logging.shutdown()
    os._exit(FAILED)


class Stop:
    """An orderly stop, which is over within STOP_SECONDS also if the broker is not there any more.

    Once everything is landed what may still run are messages on their way to people; theirs is a
    durable outbox, so they can be left.
    """

    def __init__(self) -> None:
        self.is_landed = False
        timer = threading.Timer(STOP_SECONDS, self._over)
        timer.daemon = True
        timer.start()

    def _over(self) -> None:
        if not self.is_landed:
            end(f"the stop took longer than {STOP_SECONDS} s")
        logging.shutdown()
        os._exit(0)
