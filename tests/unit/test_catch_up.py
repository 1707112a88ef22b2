"""For which days a host is asked about a symbol: those on which it was listed, and not again for nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lake.config import Settings
from lake.membership import Listing
from lake.sources.base import IngestRequest
from lake.steps.catch_up import requests_for
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.universe import Universe
from tests.builders import bar_rows, sessions

DAYS = sessions("2012-01-03", 50)

Asked = tuple[str | None, date | None, date | None]


def asked(settings: Settings, listing: Listing, last: str | None, **changes: object) -> list[Asked]:
    """Return exchange, first and last day of what is asked of a symbol whose bars end on `last`."""
    lake = Lake.open(settings)
    if last is not None:
        row = {"symbol": listing.symbol, "day": last, "close": 10.0, "source": "yahoo"}
        lake.upsert("bars", bar_rows(row), datetime(2026, 1, 1, tzinfo=UTC))
    universe = Universe(
        source="yahoo", symbols=(listing,), longer_timeframes=(), precedence=("yahoo",), trailing_sessions=5
    )
    request = IngestRequest("yahoo", symbols=(listing.symbol,), **changes)  # type: ignore[arg-type]
    found = requests_for(connect(lake), universe, request, [listing.symbol], {})
    return [(each.exchange, each.start, each.end) for each, _ in found]


def test_a_new_symbol_is_asked_for_from_its_first_day_to_its_last(settings: Settings) -> None:
    listing = Listing(symbol="A", exchange="XNAS", listed=date(2012, 5, 18), delisted=date(2020, 1, 2))
    assert asked(settings, listing, None) == [("XNAS", date(2012, 5, 18), date(2020, 1, 2))]
    outside = {"start": date(2020, 1, 3)}
    assert asked(settings, listing, None, **outside) == []
    assert asked(settings, listing, None, end=date(2012, 5, 17)) == []


def test_a_symbol_without_days_of_listing_is_asked_for_whatever_there_is(settings: Settings) -> None:
    assert asked(settings, Listing(symbol="A"), None) == [("XNYS", None, None)]


@pytest.mark.parametrize(
    ("delisted", "expected"),
    [
        (None, [("XNYS", date.fromisoformat(DAYS[44]), None)]),
        (DAYS[49], []),
        (DAYS[48], []),
        ("2013-01-02", [("XNYS", date.fromisoformat(DAYS[44]), date(2013, 1, 2))]),
    ],
)
def test_catching_up_ends_with_the_last_day_of_a_symbol_that_is_delisted(
    settings: Settings, delisted: str | None, expected: list[Asked]
) -> None:
    listing = Listing(symbol="A", delisted=date.fromisoformat(delisted) if delisted else None)
    assert asked(settings, listing, DAYS[49]) == expected


def test_a_reset_asks_for_all_of_a_symbol_that_is_delisted(settings: Settings) -> None:
    listing = Listing(symbol="A", delisted=date.fromisoformat(DAYS[49]))
    assert asked(settings, listing, DAYS[49], mode="reset") == [("XNYS", None, date.fromisoformat(DAYS[49]))]
