"""Charts by yfinance, as it returns them: prices divided by all later splits, nothing adjusted beyond."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yfinance as yf
from yfinance.data import YfData
from yfinance.exceptions import YFException, YFRateLimitError

from lake.errors import BadAnswer, SourceBusy
from lake.market.bars import Dates, Floats, Times
from lake.sources.yahoo_session import ChartSession

COLUMNS = ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
META = ("currency", "exchangeTimezoneName", "longName", "shortName")


@dataclass(frozen=True, slots=True)
class Chart:
    """One answer: the start of each row and its day at the exchange, its values by the names that
    yfinance gives them, and what is said about the symbol.
    """

    starts: Times
    days: Dates
    values: Mapping[str, Floats]
    meta: Mapping[str, Any]


class YahooClient:
    """Yahoo by yfinance, through a session of ours."""

    def __init__(self, session: ChartSession, caches: Path) -> None:
        self._session = session
        _use_own_cache(caches, os.getpid())
        # What the deprecated argument raise_errors did; without it yfinance logs and returns nothing.
        yf.config.debug.hide_exceptions = False
        # Answers about the past are kept in memory; a restatement would go unnoticed.
        YfData.cache_get.cache_clear()

    def chart(self, symbol: str, interval: str, start: date | None, end: date | None = None) -> Chart:
        """Return the rows of the days from `start` to `end`, included; to the present without `end`.

        Raises:
            BadAnswer: there are none, or they cannot be used.
            UnknownSymbol: Yahoo has no such symbol.
            SourceBusy: it asks to be left alone.
        """
        self._session.symbol = symbol
        span: dict[str, Any] = {"start": start.isoformat()} if start else {"period": "max"}
        if end:
            span["end"] = (end + timedelta(days=1)).isoformat()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # between yfinance and pandas
                ticker = yf.Ticker(symbol, session=self._session)
                rows = ticker.history(interval=interval, auto_adjust=False, actions=True, **span)
            meta = {name: ticker.history_metadata.get(name) for name in META}
        except YFRateLimitError as error:
            raise SourceBusy(f"expected an answer of Yahoo about {symbol}, found a refusal") from error
        except YFException as error:
            raise BadAnswer(f"expected bars of {symbol} from Yahoo, found none ({error})") from error
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise BadAnswer(
                f"expected bars of {symbol} from Yahoo, found what yfinance cannot read ({error!r})"
            ) from error
        if rows.empty:
            raise BadAnswer(f"expected bars of {symbol} from Yahoo, found an empty answer; ask again later")
        local = rows.index.tz_localize(None).to_numpy()
        utc = rows.index.tz_convert("UTC").tz_localize(None).to_numpy()
        values = {name: rows[name].to_numpy(dtype=float) for name in COLUMNS}
        return Chart(utc.astype("datetime64[us]"), local.astype("datetime64[D]"), values, meta)


@lru_cache(maxsize=1)
def _use_own_cache(folder: Path, process: int) -> None:
    """Give this process a cache folder of its own; SQLite files that tasks share get locked or broken.

    yfinance cannot change the folder once it is in use, so it lives as long as the process.
    """
    for old in folder.glob("[0-9]*"):
        if not _is_alive(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    own = folder / str(process)
    own.mkdir(parents=True, exist_ok=True)
    yf.set_tz_cache_location(str(own))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
