"""Small bars, actions and batches for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from lake.market.bars import Actions, Bars
from lake.market.sessions import calendar
from lake.store.tables import TABLES


def daily_bars(
    days: Sequence[str], closes: Sequence[float], symbol: str = "AAPL", **columns: Sequence[float]
) -> Bars:
    """Return daily bars whose open, high, low and close are `closes` unless `columns` say otherwise."""
    session = np.array(days, dtype="datetime64[D]")
    count = len(session)
    new_york = calendar("XNYS")
    values = {name: np.asarray(columns.get(name, closes), dtype=float) for name in ("open", "high", "low")}
    return Bars(
        symbol=symbol,
        timeframe="1d",
        ts=session.astype("datetime64[us]"),
        closes_at=new_york.closes_at[new_york.ordinals(session)],
        session=session,
        close=np.asarray(closes, dtype=float),
        volume=np.asarray(columns.get("volume", [1000.0] * count), dtype=float),
        is_complete=np.ones(count, dtype=bool),
        is_suspect=np.zeros(count, dtype=bool),
        **values,
    )


def actions(splits: Sequence[tuple[str, float]] = (), dividends: Sequence[tuple[str, float]] = ()) -> Actions:
    """Return actions from (ex-date, value) pairs."""

    def dates(pairs: Sequence[tuple[str, float]]) -> Any:
        return np.array([day for day, _ in pairs], dtype="datetime64[D]")

    def values(pairs: Sequence[tuple[str, float]]) -> Any:
        return np.array([value for _, value in pairs], dtype=float)

    return Actions(dates(splits), values(splits), dates(dividends), values(dividends))


def sessions(first: str, count: int, exchange: str = "XNYS") -> list[str]:
    """Return `count` session dates of an exchange from `first` on."""
    days = calendar(exchange).sessions
    start = int(np.searchsorted(days, np.datetime64(first)))
    return [str(day) for day in days[start : start + count]]


def bar_rows(*rows: dict[str, Any]) -> pa.Table:
    """Return rows of table bars without version columns; each row needs `symbol`, `day` and `close`."""
    schema = pa.schema([f for f in TABLES["bars"].schema if f.name not in ("known_at", "superseded_at")])
    return pa.Table.from_pylist([_bar_row(**row) for row in rows], schema=schema)


def _bar_row(symbol: str, day: str, close: float, **changes: Any) -> dict[str, Any]:
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    return {
        "symbol": symbol,
        "timeframe": "1d",
        "ts": start,
        "closes_at": start.replace(hour=21),
        "session": start.date(),
        **dict.fromkeys(("open", "high", "low", "close"), close),
        "volume": 1000.0,
        "is_complete": True,
        "quality": "ok",
        "quality_reason": None,
        "price_basis": "raw",
        "source": "files",
        "year": start.year,
        **changes,
    }
