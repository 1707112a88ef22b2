"""Source yahoo by the real yfinance on recorded answers: as traded, and no news the second time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from lake.errors import SourceUnavailable
from tests.charts import Book, ChartServer, chart_server, made_book, opening, recorded_books
from tests.lakes import content, table_versions
from tests.yahoo import DAYS, ask, load, settings_of, two_stocks


@pytest.fixture
def server() -> Iterator[ChartServer]:
    with two_stocks() as running:
        yield running


def test_recorded_prices_from_before_a_split_come_in_as_traded(shared_data: Path, tmp_path: Path) -> None:
    with chart_server(recorded_books(shared_data / "yahoo")) as server:
        settings = settings_of(server, tmp_path)
        load(settings, "AAPL", start=date(2020, 1, 1), end=date(2020, 1, 3))
        found = ask(settings, "SELECT session, open, high, low, close, volume, price_basis FROM bars")
        assert [row[0] for row in found] == [date(2020, 1, 2)]
        # 296.24, 300.60, 295.19, 300.35 on the tape; Yahoo has 74.06 to 75.0875 and 4 times the shares.
        assert found[0][1:6] == pytest.approx((296.24, 300.60, 295.19, 300.35, 33_870_100), rel=1e-6)
        assert found[0][6] == "raw"
        assert ask(settings, "SELECT * FROM actions") == []  # none within the range
        spans = [params for _, params in server.asked if "period1" in params]
        assert len(spans) == 2 and spans[0]["period2"] < spans[1]["period2"]  # the splits apart


def test_every_recorded_answer_of_new_york_loads_and_loads_again_without_news(
    shared_data: Path, tmp_path: Path
) -> None:
    books = recorded_books(shared_data / "yahoo")
    names = sorted(
        name for name, book in books.items() if book.meta["exchangeTimezoneName"] == "America/New_York"
    )
    assert {"AAPL", "MSFT", "ABBV", "GOOG"} <= set(names)
    with chart_server(books) as server:
        settings = settings_of(server, tmp_path)
        counts = load(settings, *names)
        recorded = sum(len(books[name].rows["1d"]) for name in names)
        assert counts["bars"]["inserted"] + counts["quarantine"]["inserted"] == recorded
        assert counts["quarantine"]["inserted"] == 0
        found = ask(settings, "SELECT symbol, ex_date, value FROM actions WHERE kind = 'split'")
        assert found == [("AAPL", date(2020, 8, 31), 4.0)]
        before = table_versions(settings)
        load(settings, *names)
        assert table_versions(settings) == before


def test_total_prices_of_what_was_recorded_follow_yahoos_own_adjusted_close(
    shared_data: Path, tmp_path: Path
) -> None:
    books = recorded_books(shared_data / "yahoo")
    with chart_server(books) as server:
        settings = settings_of(server, tmp_path)
        load(settings, "MSFT")
    own = [row["adjclose"] for _, row in sorted(books["MSFT"].rows["1d"].items())]
    ours = ask(settings, "SELECT close FROM bars_adjusted WHERE basis = 'total' ORDER BY ts")
    ratios = np.array([close for (close,) in ours]) / np.array(own, dtype=float)
    assert len(ratios) == 252
    # Yahoo takes the dividends after the range out as well: one factor for all. It keeps 32 bits.
    assert np.abs(ratios / ratios[0] - 1).max() < 1e-6


def test_a_symbol_of_another_exchange_is_refused_until_its_exchange_is_named(
    shared_data: Path, tmp_path: Path
) -> None:
    with chart_server(recorded_books(shared_data / "yahoo")) as server:
        settings = settings_of(server, tmp_path)
        with pytest.raises(SourceUnavailable, match="found Australia/Sydney and AUD; name its exchange"):
            load(settings, "ALL.AX")
        assert ask(settings, "SELECT * FROM symbols") == []
        load(settings, "ALL.AX", exchange="XASX")
        assert ask(settings, "SELECT exchange, currency FROM symbols") == [("XASX", "AUD")]
        load(settings, "ALL.AX")  # the lake knows by now


def test_a_split_that_comes_later_revises_nothing_and_a_back_fill_gives_the_same(
    server: ChartServer, tmp_path: Path
) -> None:
    early, late, dividend = DAYS[:100], DAYS, (DAYS[50], 0.6)
    grown, filled = settings_of(server, tmp_path, "grown"), settings_of(server, tmp_path, "filled")
    # As traded the stock is the same up to the split; what Yahoo says of it is not.
    whole = made_book("AAA", late, split=(DAYS[110], 4.0), dividend=dividend)
    server.books["AAA"] = unsplit(whole, early)
    load(grown)
    server.books["AAA"] = whole
    counts = load(grown, now=None)
    assert counts["bars"] == {"staged": 24 + 31, "inserted": 24, "closed": 0}
    assert counts["actions"]["closed"] == 0
    load(filled)
    assert content(grown) == content(filled)
    closes = dict(ask(filled, "SELECT session, close FROM bars"))
    assert closes[DAYS[109]] == pytest.approx(210.0 - 0.0)
    assert closes[DAYS[110]] == pytest.approx(210.0 / 4 + 1.0)
    assert ask(filled, "SELECT value FROM actions WHERE kind = 'dividend'") == [(0.6,)]


def unsplit(book: Book, days: list[date]) -> Book:
    """Return what Yahoo said on the last of `days`, when it knew of no split."""
    ((_, (ratio, _)),) = book.splits.items()
    rows = {
        ts: {
            name: value / ratio if name == "volume" else value * ratio for name, value in row.items() if value
        }
        for ts, row in book.rows["1d"].items()
        if ts <= opening(days[-1])
    }
    return Book(book.meta, {"1d": rows}, {ts: value * ratio for ts, value in book.dividends.items()})


def test_a_class_of_shares_in_new_york_has_a_dash_at_yahoo(server: ChartServer, tmp_path: Path) -> None:
    server.books["BRK-B"], server.books["^GSPC"] = made_book("BRK-B", DAYS), made_book("^GSPC", DAYS)
    settings = settings_of(server, tmp_path)
    load(settings, "BRK.B", "^GSPC")
    assert ask(settings, "SELECT DISTINCT symbol FROM bars ORDER BY symbol") == [("BRK.B",), ("^GSPC",)]
