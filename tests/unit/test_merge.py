"""The one bitemporal merge: nothing overwritten, equal rows change nothing, lower sources never win."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from lake.config import Settings
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.builders import bar_rows

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY = "2012-01-03"


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake.open(settings)


def load(
    lake: Lake, *rows: dict[str, object], hours: int = 0, vanished: pa.Table | None = None
) -> tuple[int, int]:
    change = lake.upsert("bars", bar_rows(*rows), T0 + timedelta(hours=hours), vanished)
    return change.inserted, change.closed


def row(close: float = 10.0, day: str = DAY, symbol: str = "AAPL", **changes: object) -> dict[str, object]:
    return {"symbol": symbol, "day": day, "close": close, **changes}


def current(lake: Lake) -> list[float]:
    return [r[0] for r in connect(lake).execute("SELECT close FROM bars ORDER BY symbol, ts").fetchall()]


def test_a_new_key_is_inserted_and_an_equal_row_makes_no_table_version(lake: Lake) -> None:
    assert load(lake, row(), row(11.0, "2012-01-04")) == (2, 0)
    version = lake.table("bars").version()
    assert load(lake, row(), row(11.0, "2012-01-04"), hours=1) == (0, 0)
    assert lake.table("bars").version() == version


def test_a_different_row_closes_the_old_version_and_keeps_it(lake: Lake) -> None:
    load(lake, row(10.0))
    assert load(lake, row(10.5), hours=1) == (1, 1)
    versions = connect(lake).execute(
        "SELECT revision, close, known_at, superseded_at FROM revisions ORDER BY 1"
    )
    assert versions.fetchall() == [
        (1, 10.0, T0, T0 + timedelta(hours=1)),
        (2, 10.5, T0 + timedelta(hours=1), None),
    ]


@pytest.mark.parametrize(("close", "is_news"), [(10.0 + 9e-6, False), (10.0 + 2e-5, True)])
def test_prices_within_a_millionth_are_the_same(lake: Lake, close: float, is_news: bool) -> None:
    load(lake, row(10.0))
    assert load(lake, row(close), hours=1) == ((1, 1) if is_news else (0, 0))


def test_what_a_better_source_says_too_is_its_own_from_then_on(lake: Lake) -> None:
    load(lake, row(source="sample"))
    assert load(lake, row(source="files"), hours=1) == (1, 1)
    assert load(lake, row(source="sample"), hours=2) == (0, 0)
    assert load(lake, row(99, source="sample"), hours=3) == (0, 0)


@pytest.mark.parametrize(
    "change", [{"volume": 999.0}, {"price_basis": "split"}, {"is_complete": False}, {"quality": "suspect"}]
)
def test_every_compared_column_makes_a_version(lake: Lake, change: dict[str, object]) -> None:
    load(lake, row())
    assert load(lake, row(**change), hours=1) == (1, 1)


def test_a_value_that_was_unknown_and_becomes_known_is_one_new_version(lake: Lake) -> None:
    load(lake, row(volume=None))
    assert load(lake, row(volume=None), hours=1) == (0, 0)
    assert load(lake, row(volume=5.0), hours=2) == (1, 1)
    assert len(current(lake)) == 1


@pytest.mark.parametrize(
    "order",
    [
        ("sample", "files", "simulated"),
        ("files", "simulated", "sample"),
        ("derived", "sample", "files"),
        ("files", "derived", "sample"),
    ],
)
def test_the_more_trusted_source_wins_in_any_order_of_loading(lake: Lake, order: tuple[str, ...]) -> None:
    prices = {"files": 10.0, "sample": 20.0, "simulated": 30.0, "derived": 40.0}
    for hours, source in enumerate(order):
        load(lake, row(prices[source], source=source), hours=hours)
    assert current(lake) == [10.0]


def test_two_versions_in_one_batch_are_merged_in_their_order_of_arrival(lake: Lake) -> None:
    assert load(lake, row(10.0), row(11.0)) == (2, 1)
    assert current(lake) == [11.0]
    version = lake.table("bars").version()
    assert load(lake, row(10.0), row(11.0), hours=1) == (0, 0)
    assert lake.table("bars").version() == version


def test_a_vanished_key_is_closed_and_not_erased(lake: Lake) -> None:
    load(lake, row(), row(11.0, "2012-01-04"))
    gone = bar_rows(row(day="2012-01-04")).select(["symbol", "timeframe", "ts", "year"])
    assert load(lake, row(), hours=1, vanished=gone) == (0, 1)
    assert current(lake) == [10.0]
    as_of_before = connect(lake, T0).execute("SELECT count(*) FROM bars").fetchone()
    assert as_of_before == (2,)


def test_symbols_with_quotes_in_other_tables_do_not_break_the_merge(lake: Lake) -> None:
    rows = pa.Table.from_pylist(
        [{"symbol": "AAPL", "name": "O'Neil's \"Apple\"", "exchange": "XNYS", "zone": "UTC"}],
        schema=pa.schema(
            [
                f
                for f in lake.table("symbols").to_pyarrow_table().schema
                if f.name not in ("known_at", "superseded_at")
            ]
        ),
    )
    assert lake.upsert("symbols", rows, T0).inserted == 1
    assert lake.upsert("symbols", rows, T0).is_empty


def test_known_at_rises_even_when_the_clock_was_set_back(lake: Lake) -> None:
    load(lake, row())
    with lake.writing("bars"):
        assert lake.stamp("bars", T0 - timedelta(days=1)) > T0
        assert lake.stamp("bars", T0 + timedelta(days=1)) == T0 + timedelta(days=1)
