"""Whatever splits a stock had, Yahoo's divided prices come back as they were traded."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lake.market.sessions import calendar
from lake.sources.yahoo_client import Chart
from lake.sources.yahoo_rows import delivered

DAYS = calendar("XNYS")
FIRST = int(np.searchsorted(DAYS.sessions, np.datetime64("2024-01-02")))
RATIOS = st.sampled_from([2.0, 3.0, 1.5, 4.0, 7.0, 20.0, 0.1, 0.04, 1.05])


@given(
    closes=st.lists(st.floats(0.5, 5_000.0), min_size=2, max_size=40),
    splits=st.dictionaries(st.integers(1, 39), RATIOS, max_size=4),
    dividends=st.dictionaries(st.integers(0, 39), st.floats(0.01, 5.0), max_size=4),
)
def test_prices_volumes_and_dividends_come_back_as_traded(
    closes: list[float], splits: dict[int, float], dividends: dict[int, float]
) -> None:
    count = len(closes)
    traded = np.array(closes)
    ratio = np.array([splits.get(number, 1.0) for number in range(count)])
    paid = np.array([dividends.get(number, 0.0) for number in range(count)])
    # By hand and one by one: what a split on a later day did to a day before it.
    later = np.array([np.prod(ratio[number + 1 :]) for number in range(count)])
    days = DAYS.sessions[FIRST : FIRST + count]
    price = traded / later
    values = dict.fromkeys(("Open", "High", "Low", "Close", "Adj Close"), price)
    values |= {
        "Volume": 1e6 * later,
        "Dividends": paid / later,
        "Stock Splits": np.where(ratio == 1, 0.0, ratio),
    }
    chart = Chart(
        DAYS.opens_at[FIRST : FIRST + count],
        days,
        values,
        {"currency": "USD", "exchangeTimezoneName": "America/New_York", "longName": None, "shortName": "A"},
    )
    found = delivered("AAA", "1d", [chart], chart, DAYS, np.datetime64(datetime(2025, 1, 1), "us"))
    np.testing.assert_allclose(found.bars["close"].to_numpy(), traded, rtol=1e-7)
    np.testing.assert_allclose(found.bars["volume"].to_numpy(), 1e6, rtol=1e-6)
    actions = found.actions.to_pylist()
    assert [a["value"] for a in actions if a["kind"] == "split"] == [r for r in ratio if r != 1]
    np.testing.assert_allclose([a["value"] for a in actions if a["kind"] == "dividend"], paid[paid > 0])
