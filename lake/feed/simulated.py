"""The next simulated sessions of the lake's symbols: they go on where the lake ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import duckdb
import numpy as np

from lake.errors import BadInput
from lake.market.candles import Candle
from lake.market.sessions import Calendar, calendar
from lake.sources.simulation import next_session, session_candles
from lake.store.reads import known_symbols

_WHERE_IT_ENDS = """
SELECT symbol, exchange, max(b.session) AS session, arg_max(b.close, (b.closes_at, -epoch(b.ts))) AS close
FROM symbols LEFT JOIN (SELECT * FROM bars WHERE is_complete) AS b USING (symbol)
WHERE symbol IN (SELECT unnest(?))
GROUP BY ALL
"""


def simulated_sessions(
    con: duckdb.DuckDBPyConnection, symbols: Sequence[str], sessions: int, seed: int, now: datetime
) -> Iterator[list[tuple[str, Candle]]]:
    """Yield the minutes of each session, in order of time; all symbols share their sessions.

    The first is the one after the latest bar that any of them has, and each starts from its own last
    close; one without bars starts at a price of its own.

    Raises:
        UnknownSymbol: the lake lacks one of the symbols.
        BadInput: none has bars, or the next session is not over yet.
    """
    names = known_symbols(con, symbols)
    rows = con.execute(_WHERE_IT_ENDS, [names]).fetchall()
    calendars = {symbol: calendar(exchange) for symbol, exchange, *_ in rows}
    closes = {symbol: close for symbol, *_, close in rows if close is not None}
    latest = {symbol: np.datetime64(session) for symbol, _, session, _ in rows if session is not None}
    for _ in range(sessions):
        session = next_session(latest, {symbol: calendars[symbol] for symbol in latest})
        _refuse_the_future(session, max(latest.values()), calendars, now)
        feed = session_candles(names, session, closes, seed, calendars).feed()
        closes |= {symbol: candle.close for symbol, candle in feed}
        latest = dict.fromkeys(latest, session)
        yield feed


def _refuse_the_future(
    session: np.datetime64, last: np.datetime64, calendars: dict[str, Calendar], now: datetime
) -> None:
    days = {each.exchange: each for each in calendars.values()}.values()
    ends = max(each.closes_at[np.searchsorted(each.sessions, session)] for each in days)
    if ends > np.datetime64(now.replace(tzinfo=None), "us"):
        raise BadInput(
            f"expected a session that is over to simulate, found {session}, the next one after the lake's "
            f"last bars of {last}; nothing can be simulated where real data may still come"
        )
