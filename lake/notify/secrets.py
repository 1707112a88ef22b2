"""Addresses that hold passwords or tokens: named in conf/, read from the environment, never shown."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from dotenv import dotenv_values

from lake.config import Settings

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""How a file of conf/ names a secret: ${SMTP_URL}."""

_NAMES_A_HOST = frozenset({"http", "https", "json", "jsons", "mailto", "mailtos"})
"""Schemes whose address begins with a host; with the others a token may stand there."""

_SHORTEST = 4
"""Parts of an address below this length are words such as `to`, and hide nothing."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """The value of an environment variable that must not appear in files, logs, errors or tables."""

    name: str
    value: str

    def __repr__(self) -> str:
        return f"${{{self.name}}}"

    __str__ = __repr__

    def redact(self, text: str) -> str:
        """Return a text without this value and without any part of it that could open a door."""
        for part in sorted(set(_parts(self.value)), key=len, reverse=True):
            text = text.replace(part, "***")
        return text


def secrets_of(settings: Settings) -> Mapping[str, str]:
    """Return the variables that a reference may name: the environment's, else those of `.env`."""
    written = dotenv_values(settings.lake_home / ".env", interpolate=False)
    return {**{name: value for name, value in written.items() if value}, **os.environ}


def _parts(value: str) -> Iterator[str]:
    for part in (value, *_pieces_of_address(value)):
        yield from (form for form in (part, unquote(part)) if len(form) >= _SHORTEST)


def _pieces_of_address(value: str) -> Iterator[str]:
    try:
        address = urlsplit(value)
        credentials = address.netloc.rpartition("@")[0]
        queries = [text for _, text in parse_qsl(address.query)]
    except ValueError:  # no address; the value itself is hidden all the same
        return
    if address.scheme not in _NAMES_A_HOST:
        yield from (address.netloc, *address.netloc.replace("@", ":").split(":"))
    pieces = [credentials, *credentials.split(":"), address.path, address.query, address.fragment, *queries]
    basic = base64.b64encode(unquote(credentials).encode()).decode()
    yield from (*pieces, basic, *address.path.split("/"))
