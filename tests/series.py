"""Twenty real series on which nothing may look ahead: daily, weekly, of N days, and intraday."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from lake.lookahead.check import History
from lake.lookahead.definitions import lengthened
from lake.market.bars import Actions, Bars
from lake.market.sessions import calendar
from tests.market import DAILY, real_daily, real_minutes

LONGER = {"AAPL": "1wk", "CAT": "1wk", "XOM": "5d", "F": "13d", "BA": "2d"}
INTRADAY = (
    ("1m/google_AAPL_2016-04_05", "AAPL", "XNYS"),
    ("5m/google_AAPL_2016-04_05", "AAPL", "XNYS"),
    ("5m_vendor/lwc_2023", "AAPL", "XNYS"),
    ("5m/nse_JUNIORBEES", "JUNIORBEES.NSE", "XNSE"),
    ("15m_vendor/eqker_2019-01_02", "MU", "XNYS"),
    ("15m_vendor/eqker_2019-01_02", "GLD", "XNYS"),
    ("30m_vendor/lwc_2023", "AAPL", "XNYS"),
)
NAMES = (
    *(f"{symbol} 1d" for symbol in DAILY),
    *(f"{symbol} {timeframe}" for symbol, timeframe in LONGER.items()),
    *(f"{symbol} {name}" for name, symbol, _ in INTRADAY),
)
SUSPECT_SHARE = 0.002


def real_history(folder: Path, name: str) -> History:
    """Return a series of `NAMES` as the lake would hold it, with some suspect bars."""
    symbol, what = name.split(" ")
    if "/" in what:
        return History(_candles(folder, what, symbol), Actions.none())
    bars, actions = real_daily(folder, symbol)
    days = calendar("XNYS")
    bars = _suspected(bars[days.ordinals(bars.session) >= 0])
    bars = replace(bars, closes_at=days.closes_at[days.ordinals(bars.session)])
    if what == "1d":
        return History(bars, actions)
    return History(bars, actions, partial(_longer, timeframe=what))


def _longer(bars: Bars, actions: Actions, timeframe: str) -> Bars:
    return lengthened(bars, actions, timeframe, calendar("XNYS"))


def _candles(folder: Path, what: str, symbol: str) -> Bars:
    exchange = next(exchange for name, own, exchange in INTRADAY if (name, own) == (what, symbol))
    bars = real_minutes(folder / "intraday" / f"{what}.parquet", exchange)[symbol]
    days = calendar(exchange)
    number = np.searchsorted(days.opens_at, bars.ts, side="right") - 1
    return _suspected(bars[bars.ts < days.closes_at[number]])


def _suspected(bars: Bars) -> Bars:
    chance = np.random.default_rng(len(bars)).random(len(bars))
    return replace(bars, is_suspect=chance < SUSPECT_SHARE)
