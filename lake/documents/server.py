"""The connection to MongoDB, and its failures in one sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import BulkWriteError, ConfigurationError, InvalidURI, PyMongoError
from pymongo.uri_parser import parse_uri

from lake.documents.values import Document
from lake.errors import BadConfiguration, DocumentsUnavailable

PATIENCE_MS = 8_000
"""How long a server may take to be found before it counts as down."""

_SOCKET_TIMEOUT_MS = 120_000
_DEFAULT_DATABASE = "lake"


@contextmanager
def connected(mongo_url: str) -> Iterator[Database[Document]]:
    """Yield the database that `mongo_url` names, `lake` if it names none.

    Raises:
        BadConfiguration: the address cannot be read.
        DocumentsUnavailable: the server did not answer, refused, or was lost on the way.
    """
    place = _place(mongo_url)
    try:
        with _client(mongo_url) as client:
            yield client.get_default_database(_DEFAULT_DATABASE)
    except PyMongoError as error:
        raise DocumentsUnavailable(
            f"expected a MongoDB server at {place}, found: {_reason(error)}; "
            "start it or correct MONGO_URL, then publish again: it goes on where it stopped"
        ) from error


def _client(mongo_url: str) -> MongoClient[Document]:
    client: MongoClient[Document] = MongoClient(
        mongo_url,
        appname="lake",
        serverSelectionTimeoutMS=PATIENCE_MS,
        socketTimeoutMS=_SOCKET_TIMEOUT_MS,
    )
    return client


def _place(mongo_url: str) -> str:
    """Return the hosts and the database of an address, never its password."""
    try:
        parsed: dict[str, Any] = parse_uri(mongo_url)
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise BadConfiguration(
            "expected MONGO_URL such as mongodb://127.0.0.1:27017/lake, "
            f"found one that cannot be read: {error}"
        ) from error
    hosts = ",".join(f"{host}:{port}" for host, port in parsed["nodelist"])
    return f"{hosts}/{parsed['database'] or _DEFAULT_DATABASE}"


def _reason(error: PyMongoError) -> str:
    if isinstance(error, BulkWriteError):
        first = error.details["writeErrors"][0]
        return str(first.get("errmsg", error)).splitlines()[0]
    # The driver appends its whole view of the topology after the first comma or parenthesis.
    return str(error).splitlines()[0].split(" (configured timeouts")[0].split(", Timeout:")[0]
