"""Retry-After: seconds or a date, at most a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lake.retry_after import LONGEST_WAIT, retry_after

NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("inf", None),
        ("0", timedelta()),
        ("120", timedelta(minutes=2)),
        ("9" * 50, LONGEST_WAIT),
        ("Fri, 20 Nov 2026 17:10:00 GMT", timedelta(minutes=10)),
        ("Fri, 20 Nov 2026 16:10:00 GMT", timedelta()),
        ("Fri, 20 Nov 2099 16:10:00 GMT", LONGEST_WAIT),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, wait: timedelta | None) -> None:
    assert retry_after(header, NOON) == wait
