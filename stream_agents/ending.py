"""How this process ends when something is wrong that is not the data's fault: at once, and not with 0.

What was not landed was not acknowledged either, so whoever starts it again loses nothing; an orderly
stop after a failure could hang for a broker that is gone.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec

FAILED = 1
STOP_SECONDS = 15
"""The longest orderly stop."""

_log = logging.getLogger(__name__)
P = ParamSpec("P")


def end(error: BaseException | str) -> NoReturn:
    """End the process with its reason in the log."""
    exc_info = error if isinstance(error, BaseException) else None
    _log.critical("The worker ends: %s", error or type(error).__name__, exc_info=exc_info)
    logging.shutdown()
    os._exit(FAILED)


def ends_the_worker(task: Callable[P, Awaitable[Any]]) -> Callable[P, Awaitable[Any]]:
    """Return a task whose failure ends the process."""

    @wraps(task)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return await task(*args, **kwargs)
        except Exception as error:
            end(error)

    return guarded


async def on_agent_error(_: Any, error: BaseException) -> None:
    """End the process for what an agent raised; Faust would count the message as done and go on."""
    end(error)


def bound_the_stop() -> None:
    """See to it that the process is gone within STOP_SECONDS, also if the broker is not there any more."""
    timer = threading.Timer(STOP_SECONDS, end, ["an orderly stop took too long"])
    timer.daemon = True
    timer.start()
