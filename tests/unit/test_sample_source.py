"""The sample's actions are recovered from adjusted closes; real ex-dates are the oracle."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lake.errors import BadInput, UnknownSymbol
from lake.sources.base import IngestRequest, chosen
from lake.sources.sample import SampleSource, implied_actions

REQUEST = IngestRequest("sample")


def recovered(symbol: str) -> dict[tuple[str, str], float]:
    (fetched,) = SampleSource().fetch(REQUEST, [symbol])
    return {(str(row["ex_date"]), row["kind"]): row["value"] for row in fetched.actions.to_pylist()}


@pytest.mark.parametrize("symbol", ["IBM", "MSFT"])
def test_recovered_actions_equal_the_independently_checked_ones(symbol: str, shared_data: Path) -> None:
    rows = pq.read_table(shared_data / "daily" / f"{symbol}.parquet").to_pylist()
    expected = {(str(r["ts"].date()), "dividend"): r["dividend"] for r in rows if r["dividend"]}
    expected |= {(str(r["ts"].date()), "split"): r["split"] for r in rows if r["split"] != 1.0}
    found = recovered(symbol)
    assert found.keys() == expected.keys()
    assert [found[key] for key in expected] == pytest.approx(list(expected.values()), abs=1e-6)


def test_apple_split_twice_and_paid_three_dividends_in_the_sample() -> None:
    assert recovered("AAPL") == {
        ("2000-06-21", "split"): 2.0,
        ("2005-02-28", "split"): 2.0,
        ("2012-08-09", "dividend"): 2.65,
        ("2012-11-07", "dividend"): 2.65,
        ("2013-02-07", "dividend"): 2.65,
    }


def test_a_split_and_a_dividend_on_one_day_are_told_apart() -> None:
    close = np.array([100.0, 50.0])
    adjusted = np.array([100.0, 100.0 * (50.0 * 2 + 0.5) / 100.0])
    ratio, dividend = implied_actions(close, adjusted)
    assert (ratio[1], dividend[1]) == (2.0, 0.5)


def test_all_five_symbols_have_their_whole_history() -> None:
    counts = {
        f.symbol: f.bars.num_rows for f in SampleSource().fetch(REQUEST, SampleSource().offered(REQUEST))
    }
    assert counts == {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}


def test_a_symbol_the_sample_lacks_is_refused_with_what_it_has() -> None:
    request = IngestRequest("sample", symbols=("TSLA",))
    with pytest.raises(UnknownSymbol, match="found TSLA; it offers AAPL, FB, GOOG, IBM, MSFT"):
        chosen(request, SampleSource().offered(request))


def test_the_sample_has_daily_bars_only() -> None:
    with pytest.raises(BadInput, match="expected timeframe 1d"):
        SampleSource().offered(IngestRequest("sample", timeframe="5m"))
