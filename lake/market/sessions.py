"""Exchange sessions: when bars start and close, never taken from the machine's clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lake.errors import BadInput
from lake.market.bars import Dates, Times

FIRST_DAY, LAST_DAY = "1950-01-01", "2049-12-31"
"""Calendars reach this far; N-day bars are counted from the first session in 1950."""

# The library's own XNYS lacks 87 early sessions that its NYSE has.
_LIBRARY_NAMES = {"XNYS": "NYSE", "XNAS": "NASDAQ"}

_CURRENCIES = {
    "XNYS": "USD", "XNAS": "USD", "ARCX": "USD", "XLON": "GBP", "XETR": "EUR", "XFRA": "EUR",
    "XPAR": "EUR", "XAMS": "EUR", "XMIL": "EUR", "XMAD": "EUR", "XSWX": "CHF", "XTSE": "CAD",
    "XTKS": "JPY", "XHKG": "HKD", "XNSE": "INR", "XBOM": "INR", "XASX": "AUD", "BVMF": "BRL",
    "XSTO": "SEK", "XOSL": "NOK", "XCSE": "DKK", "XSES": "SGD", "XKRX": "KRW", "XSHG": "CNY",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calendar:
    """The sessions of one exchange from 1950 to 2049, with their opens and closes in UTC."""

    exchange: str
    zone: str
    sessions: Dates
    opens_at: Times
    closes_at: Times

    def ordinals(self, dates: Dates) -> NDArray[np.int64]:
        """Return the number of each session, counted from 0 in 1950; -1 where none was held."""
        found = np.searchsorted(self.sessions, dates)
        inside = np.minimum(found, len(self.sessions) - 1)
        return np.where(self.sessions[inside] == dates, inside, -1).astype(np.int64)


@lru_cache(maxsize=32)
def calendar(exchange: str) -> Calendar:
    """Return the calendar of an exchange, named by its market identifier code such as XNYS.

    Raises:
        BadInput: no calendar of that name is known.
    """
    import pandas_market_calendars as markets

    name = _LIBRARY_NAMES.get(exchange, exchange)
    if name not in markets.get_calendar_names():
        raise BadInput(
            f"expected an exchange by its market identifier code such as XNYS, found {exchange!r}; "
            "see `python -c 'import pandas_market_calendars as m; print(m.get_calendar_names())'`"
        )
    library = markets.get_calendar(name)
    days = library.schedule(FIRST_DAY, LAST_DAY)
    return Calendar(
        exchange=exchange,
        zone=str(library.tz),
        sessions=days.index.to_numpy().astype("datetime64[D]"),
        opens_at=_utc_micros(days["market_open"]),
        closes_at=_utc_micros(days["market_close"]),
    )


def currency_of(exchange: str) -> str | None:
    """Return the currency an exchange quotes in, where it is known."""
    return _CURRENCIES.get(exchange)


def _utc_micros(moments: object) -> Times:
    values: Times = moments.dt.tz_localize(None).to_numpy().astype("datetime64[us]")  # type: ignore[attr-defined]
    return values
