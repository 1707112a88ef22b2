"""Times in messages: ISO 8601 in UTC ending in Z, such as 2019-02-11T14:30:00Z."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# A minute comes once a symbol, and again in every topic.
_KEPT = 32_768


@lru_cache(maxsize=_KEPT)
def micros_of(text: str) -> int:
    """Return a time in microseconds since 1970; one without zone is in UTC.

    Raises:
        ValueError: it is not a time.
    """
    moment = datetime.fromisoformat(text)
    return micros(moment.replace(tzinfo=moment.tzinfo or UTC))


@lru_cache(maxsize=_KEPT)
def text_of(micros: int) -> str:
    """Return a time as text."""
    return (_EPOCH + timedelta(microseconds=micros)).isoformat().replace("+00:00", "Z")


def moment_of(micros: int) -> datetime:
    """Return a time as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def micros(moment: datetime) -> int:
    """Return a datetime in microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND
