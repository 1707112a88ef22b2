"""Messages as JSON posted to an address.

Sent by our own hand, because the receipt needs what Apprise does not tell: the status, Retry-After,
and whether the request had left; and because the address that was checked must be the one called.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from lake.alerts.alert import encode
from lake.errors import BadConfiguration
from lake.notify.channels import Channel
from lake.notify.message import Message
from lake.notify.outcome import ANSWER_SECONDS, Outcome
from lake.notify.secrets import Secret
from lake.notify.text import one_line
from lake.retry_after import retry_after

_SCHEMES = {"https": "https", "jsons": "https", "http": "http", "json": "http"}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class _Target:
    """One address, taken apart."""

    is_secure: bool
    host: str
    port: int
    path: str
    credentials: str | None


class _Forbidden(Exception):
    """The name leads to an address that must not be called."""


class WebhookSender:
    """Posts each message as JSON with its id as Idempotency-Key, to https and the public internet only.

    `private_network` of the channel allows http and addresses of the own network as well. The name
    is looked up once a message, the address that was checked is the one called, and a redirection
    is a failure.
    """

    longest_text = 100_000
    knows_repeats = False

    def __init__(self, channel: Channel, address: Secret) -> None:
        self._secret = address
        self._may_be_private = channel.private_network
        self._target = _target(address, channel.private_network)

    def send(self, message: Message) -> Outcome:
        """Post one message and say what the server answered."""
        try:
            connection = self._connected()
        except (_Forbidden, OSError, UnicodeError, http.client.HTTPException) as error:
            return Outcome("failed", self._said(error))
        try:
            return self._answered(connection, message)
        except (OSError, http.client.HTTPException) as error:
            return Outcome("uncertain", self._said(f"no answer after the request was sent: {error!r}"))
        finally:
            connection.close()

    def _connected(self) -> http.client.HTTPConnection:
        target = self._target
        place = _place(target.host, target.port, self._may_be_private)
        plain = socket.create_connection(place, timeout=ANSWER_SECONDS)
        connection = http.client.HTTPConnection(target.host, target.port, timeout=ANSWER_SECONDS)
        connection.sock = plain
        if target.is_secure:
            try:
                connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
            except OSError:
                plain.close()
                raise
        return connection

    def _answered(self, connection: http.client.HTTPConnection, message: Message) -> Outcome:
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.message_id}
        if self._target.credentials:
            headers["Authorization"] = f"Basic {self._target.credentials}"
        connection.request("POST", self._target.path, _payload(message), headers)
        answer = connection.getresponse()
        said = answer.read(1_000).decode(errors="replace")
        if 200 <= answer.status < 300:
            return Outcome("sent", f"{answer.status}")
        wait = retry_after(answer.headers.get("Retry-After"), message.written_at)
        return Outcome("failed", self._said(f"{answer.status} {answer.reason}: {said}"), wait)

    def _said(self, said: object) -> str:
        return one_line(self._secret.redact(str(said)), 200) or type(said).__name__


def is_public(address: str) -> bool:
    """Return whether an address lies in the public internet, whatever it is wrapped in."""
    found: Any = ipaddress.ip_address(address.partition("%")[0])
    if found.version == 6:
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in _NAT64:
            inner = ipaddress.ip_address(int(found) & 0xFFFFFFFF)
        found = inner or found
    return bool(found.is_global) and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _place(host: str, port: int, may_be_private: bool) -> tuple[str, int]:
    """Return where a name leads; one forbidden answer among several forbids the name."""
    places = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not may_be_private and not all(is_public(place) for place in places):
        raise _Forbidden(
            "expected an address of the public internet, found one of an own network; "
            "set private_network: true for the channel if it is meant"
        )
    return places[0], port


def _payload(message: Message) -> bytes:
    return orjson.dumps(
        {
            "v": 1,
            "message_id": message.message_id,
            "title": message.subject,
            "message": message.text,
            "severity": message.severity,
            "possible_repeat": message.is_repeat,
            "alerts": [
                {"notification_id": entry.notification_id, **orjson.loads(encode(entry.alert))}
                for entry in message.entries
            ],
        }
    )


def _target(secret: Secret, may_be_private: bool) -> _Target:
    expected = f"expected {secret.name} as an address such as https://host/path"
    try:
        address = urlsplit(secret.value)
        port, host = address.port, address.hostname
    except ValueError:
        raise BadConfiguration(f"{expected}, found one that cannot be read") from None
    scheme = _SCHEMES.get(address.scheme)
    if not scheme or not host or any(ord(character) <= 32 for character in secret.value):
        raise BadConfiguration(f"{expected}, found another form")
    if scheme == "http" and not may_be_private:
        raise BadConfiguration(f"{expected}, found http; only private_network: true allows it")
    credentials = None
    if address.username is not None:
        pair = f"{unquote(address.username)}:{unquote(address.password or '')}"
        credentials = base64.b64encode(pair.encode()).decode()
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    return _Target(scheme == "https", host, port or (443 if scheme == "https" else 80), path, credentials)
