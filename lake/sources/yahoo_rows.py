"""From Yahoo's charts to rows as traded: later splits are taken out of prices, volumes and dividends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from lake.errors import BadAnswer
from lake.market.admission import PRICE_DECIMALS
from lake.market.bars import PRICES, Dates, Floats, Times
from lake.market.sessions import Calendar, currency_of
from lake.market.timeframes import kind_of
from lake.market.timing import timed
from lake.sources.base import BARS_SCHEMA, Fetched, actions_table
from lake.sources.yahoo_client import Chart

MINOR_UNITS = {"GBp": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
"""Hundredths of a currency in which Yahoo quotes some exchanges."""


@dataclass(frozen=True, slots=True)
class Splits:
    """Ex-dates, ascending, and their ratios."""

    dates: Dates
    ratios: Floats

    def after(self, days: Dates) -> Floats:
        """Return for each day the product of all splits whose ex-date is later."""
        later = np.concatenate([np.cumprod(self.ratios[::-1])[::-1], [1.0]])
        product: Floats = later[np.searchsorted(self.dates, days, side="right")]
        return product


def delivered(
    symbol: str,
    timeframe: str,
    charts: Sequence[Chart],
    history: Chart,
    days: Calendar,
    closed_until: np.datetime64,
) -> Fetched:
    """Return a symbol's closed bars and its actions as traded.

    `history` has all days from the first bar to the present.

    Raises:
        BadAnswer: the symbol trades elsewhere than `days` says, or no bar has closed.
    """
    meta = history.meta
    unit = _unit(symbol, meta, days)
    splits = splits_of(history)
    bars = pa.concat_tables(
        [_closed(_bars(chart, timeframe, splits, unit), timeframe, days, closed_until) for chart in charts]
    )
    if not len(bars):
        raise BadAnswer(f"expected bars of {symbol} from Yahoo, found none that has closed; ask again later")
    return Fetched(
        symbol, meta.get("longName") or meta.get("shortName"), bars, _actions(history, splits, unit)
    )


def splits_of(history: Chart) -> Splits:
    """Return the splits of a chart of days."""
    ratios = history.values["Stock Splits"]
    is_split = np.isfinite(ratios) & (ratios > 0) & (ratios != 1.0)
    return Splits(history.days[is_split], ratios[is_split])


def _unit(symbol: str, meta: Mapping[str, Any], days: Calendar) -> float:
    """Return what one of Yahoo's units is in the currency of the exchange, on which it has to trade."""
    quoted, expected = str(meta["currency"]), currency_of(days.exchange)
    currency = MINOR_UNITS.get(quoted, quoted)
    is_elsewhere = _clock_of(str(meta["exchangeTimezoneName"])) != _clock_of(days.zone)
    if is_elsewhere or (expected and currency != expected):
        raise BadAnswer(
            f"expected {symbol} to trade in {days.zone} for {expected} as {days.exchange} does, found "
            f"{meta['exchangeTimezoneName']} and {currency}; name its exchange, such as --exchange XASX"
        )
    return 0.01 if quoted in MINOR_UNITS else 1.0


def _clock_of(zone: str) -> tuple[object, ...]:
    """Return what sets one zone's clock apart from another's, whatever they are called."""
    return tuple(ZoneInfo(zone).utcoffset(datetime(2024, month, 15)) for month in (1, 4, 7, 10))


def _bars(chart: Chart, timeframe: str, splits: Splits, unit: float) -> pa.Table:
    later, is_daily = splits.after(chart.days), kind_of(timeframe) == "daily"
    prices = {
        name: np.round(chart.values[name.capitalize()] * later * unit, PRICE_DECIMALS) for name in PRICES
    }
    starts = chart.days.astype("datetime64[us]") if is_daily else chart.starts
    columns = {
        **prices,
        "ts": pa.array(starts).cast(pa.timestamp("us", "UTC")),
        "volume": np.round(chart.values["Volume"] / later),
        "delivered": pa.nulls(len(starts), pa.string()),
    }
    bars = pa.table({name: columns[name] for name in BARS_SCHEMA.names}).cast(BARS_SCHEMA)
    adjusted = chart.values["Adj Close"] if is_daily else np.full(len(starts), np.nan)
    return bars.append_column("adj_close", pa.array(adjusted, from_pandas=True))


def _closed(bars: pa.Table, timeframe: str, days: Calendar, closed_until: np.datetime64) -> pa.Table:
    """Return the bars that have closed; one of a day without a session is left to be set aside."""
    ts: Times = bars["ts"].cast(pa.int64()).to_numpy().astype("datetime64[us]")
    return bars.filter(pa.array(timed(ts, timeframe, days).closes_at <= closed_until))


def _actions(history: Chart, splits: Splits, unit: float) -> pa.Table:
    paid = history.values["Dividends"] * splits.after(history.days) * unit
    ts = pa.chunked_array([pa.array(history.days)])
    return actions_table(ts, history.values["Stock Splits"], paid)
