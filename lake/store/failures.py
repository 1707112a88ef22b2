"""What a full, broken or locked disk says, as the one sentence of StoreUnavailable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from deltalake.exceptions import DeltaError, TableNotFoundError

from lake.errors import StoreUnavailable

_FAILURES = (OSError, DeltaError, duckdb.IOException)
_PASSED = (BrokenPipeError, TableNotFoundError)
_DECORATION = re.compile("\x1b\\[[0-9;]*m|↳")


def store_failure(uri: str, error: BaseException) -> StoreUnavailable | None:
    """Return what a failure to read or write below `uri` is for a person; None if it is another fault."""
    if isinstance(error, _PASSED) or not isinstance(error, _FAILURES):
        return None
    lines = (" ".join(line.split()) for line in _DECORATION.sub("", str(error)).splitlines())
    reason = ": ".join(filter(None, lines)) or type(error).__name__
    return StoreUnavailable(
        f"expected to read and write {uri}, found: {reason}; check LAKE_ROOT, its owner and the space left"
    )


@contextmanager
def failures_of(uri: str) -> Iterator[None]:
    """Turn what files and tables below `uri` say when they fail into StoreUnavailable."""
    try:
        yield
    except Exception as error:
        failure = store_failure(uri, error)
        if failure is None:
            raise
        raise failure from error
