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
STOP_SECONDS = 15
"""The longest orderly stop."""

_log = logging.getLogger(__name__)


def end(error: BaseException | str) -> NoReturn:
    """End the process with its reason in the log."""
    exc_info = error if isinstance(error, BaseException) else None
    _log.critical("The worker ends: %s", error or type(error).__name__, exc_info=exc_info)
    logging.shutdown()
    os._exit(FAILED)


def bound_the_stop() -> None:
    """See to it that the process is gone within STOP_SECONDS, also if the broker is not there any more."""
    timer = threading.Timer(STOP_SECONDS, end, ["an orderly stop took too long"])
    timer.daemon = True
    timer.start()
