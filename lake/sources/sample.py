"""Real daily prices that come with the package bokeh_sampledata: the default of a first run, offline.

The series (AAPL, GOOG, IBM, MSFT 2000 or 2004 to 2013, FB from 2012) are from Quandl WIKI, which
declared them public domain. Prices are as traded; splits and dividends are recovered from
`adj_close`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from lake.errors import BadInput
from lake.market.bars import Floats
from lake.sources.base import BAR_COLUMNS, BARS_SCHEMA, Fetched, IngestRequest, actions_table

NAMES = {
    "AAPL": "Apple Inc.",
    "FB": "Facebook, Inc.",
    "GOOG": "Google Inc.",
    "IBM": "International Business Machines Corporation",
    "MSFT": "Microsoft Corporation",
}

_SPLIT_RATIOS = np.array([n / d for n in range(1, 21) for d in range(1, 21) if np.gcd(n, d) == 1 and n != d])


class SampleSource:
    """Five real symbols of daily bars."""

    def offered(self, request: IngestRequest) -> Sequence[str]:
        """Return the five symbols."""
        if request.timeframe != "1d":
            raise BadInput(f"expected timeframe 1d of source sample, found {request.timeframe!r}")
        return sorted(NAMES)

    def fetch(self, request: IngestRequest, symbols: Sequence[str]) -> Iterator[Fetched]:
        """Yield the bars of each symbol with the actions that its adjusted closes imply."""
        for symbol in symbols:
            bars, actions = _series(symbol)
            yield Fetched(symbol, NAMES[symbol], bars, actions)


def implied_actions(close: Floats, adj_close: Floats) -> tuple[Floats, Floats]:
    """Return the split ratio (1 if none) and the dividend (0 if none) of each day.

    From the WIKI identity adj(t) / adj(t-1) = (close(t) * split(t) + dividend(t)) / close(t-1).
    A day's payout is close(t-1) * adj(t) / adj(t-1) - close(t). One above a quarter of the close,
    or a negative one, is a split by the nearest ratio of small whole numbers; what is left of it
    after the split, and any smaller payout, is a dividend. Less than 0.05 cents is rounding.
    """
    value = close[:-1] * adj_close[1:] / adj_close[:-1]
    gross = value / close[1:]
    is_split = (gross > 1.25) | (gross < 0.98)
    nearest = _SPLIT_RATIOS[np.abs(_SPLIT_RATIOS[None, :] / gross[:, None] - 1).argmin(axis=1)]
    ratio = np.where(is_split, nearest, 1.0)
    cash = value - close[1:] * ratio
    dividend = np.where(cash > 0.0005, np.round(cash, 6), 0.0)
    return np.concatenate([[1.0], ratio]), np.concatenate([[0.0], dividend])


@lru_cache(maxsize=8)
def _series(symbol: str) -> tuple[pa.Table, pa.Table]:
    import bokeh_sampledata.stocks as stocks

    columns: dict[str, list[Any]] = getattr(stocks, symbol)
    days = [datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC) for day in columns["date"]]
    values = {name: columns[name] for name in BAR_COLUMNS[1:]}
    bars = pa.table({"ts": days, **values, "delivered": pa.nulls(len(days), pa.string())}).cast(BARS_SCHEMA)
    ratio, dividend = implied_actions(np.asarray(columns["close"], float), np.asarray(columns["adj_close"]))
    return bars, actions_table(bars["ts"], ratio, dividend)
