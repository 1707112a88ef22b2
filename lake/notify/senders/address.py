"""Addresses of services as Apprise understands them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from apprise import Apprise, AppriseAsset
from apprise.plugins.base import NotifyBase

from lake.errors import BadConfiguration
from lake.notify.secrets import Secret

ASSET = AppriseAsset(storage_mode="memory", http_redirects=False, app_id="stock alerts")
"""How Apprise behaves: no files beside ours, and no request follows a server to another address."""


def opened(address: Secret, schemes: tuple[str, ...], example: str) -> NotifyBase:
    """Return the service that an address names; `schemes` are those allowed, or all if empty.

    Raises:
        BadConfiguration: the address is none that can be used.
    """
    expected = f"{address.name} as an address such as {example}"
    scheme = address.value.partition("://")[0].lower()
    if schemes and scheme not in schemes:
        raise BadConfiguration(f"expected {expected}, found one that does not start with {schemes[0]}://")
    with heard() as said:
        plugin = Apprise.instantiate(address.value, asset=ASSET, suppress_exceptions=True)
    if not isinstance(plugin, NotifyBase):
        reason = said[-1] if said else "one that no service understands"
        raise BadConfiguration(f"expected {expected}, found {reason}")
    return plugin


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect what Apprise says in this thread; nothing of it reaches the process's logs.

    It and the libraries below it log addresses, which must not be written anywhere.
    """
    ear = _Ear(threading.get_ident())
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logger.addHandler(ear)
    try:
        yield ear.said
    finally:
        logger.removeHandler(ear)


class _Ear(logging.Handler):
    def __init__(self, thread: int) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self._thread = thread

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(record.getMessage())
