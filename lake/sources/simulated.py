"""The simulated market as a source: daily bars and minutes of symbols that no exchange lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from lake.errors import BadInput
from lake.market.aggregate import aggregated
from lake.market.bars import VALUES, Bars
from lake.market.sessions import calendar
from lake.sources.base import ACTIONS_SCHEMA, BARS_SCHEMA, Fetched, IngestRequest
from lake.sources.simulation import history
from lake.store.lake import now_utc

SYMBOLS = tuple(f"SIM{number:02d}" for number in range(1, 11))
"""What is offered unless a request names symbols."""

FIRST_SESSION = np.datetime64("2015-01-02")
"""Where every simulated price path begins."""

DEFAULT_SEED = 7

MINUTE_SESSIONS = 5
"""Sessions of minutes that a request without --from brings."""

_EXCHANGE = "XNYS"


class SimulatedSource:
    """Any symbol, on the sessions of the request's exchange (XNYS if it names none).

    Sessions that have not closed by `clock` are not delivered, nor any before 2015. A daily bar is
    the aggregate of its session's minutes.
    """

    def __init__(self, seed: int = DEFAULT_SEED, clock: Callable[[], datetime] = now_utc) -> None:
        self._seed, self._clock = seed, clock

    def offered(self, request: IngestRequest) -> Sequence[str]:
        """Return the request's symbols, or ten made-up ones.

        Raises:
            BadInput: the timeframe is not 1d or 1m, or the prices are asked for as split-adjusted.
        """
        if request.timeframe not in ("1d", "1m"):
            raise BadInput(
                f"expected timeframe 1d or 1m of source simulated, found {request.timeframe!r}; "
                "longer ones are derived: run `lake derive`"
            )
        if request.price_basis != "raw":
            raise BadInput("expected --price-basis raw of source simulated, which has no splits, found split")
        return sorted(request.symbols or SYMBOLS)

    def fetch(self, request: IngestRequest, symbols: Sequence[str]) -> Iterator[Fetched]:
        """Yield the bars of each symbol within the request's dates."""
        days = calendar(request.exchange or _EXCHANGE)
        start, end = self._range(request)
        for symbol in symbols:
            sessions = history(symbol, start, end, days, self._seed, FIRST_SESSION)
            if request.timeframe == "1d":
                sessions = [aggregated(minutes, "1d", days) for minutes in sessions]
            yield Fetched(symbol, f"Simulated {symbol}", _delivered(sessions), ACTIONS_SCHEMA.empty_table())

    def _range(self, request: IngestRequest) -> tuple[np.datetime64, np.datetime64]:
        days = calendar(request.exchange or _EXCHANGE)
        now = np.datetime64(self._clock().replace(tzinfo=None), "us")
        closed = days.sessions[days.closes_at <= now]
        end = min(closed[-1], np.datetime64(request.end)) if request.end else closed[-1]
        if request.start:
            return np.datetime64(request.start), end
        if request.timeframe == "1d":
            return FIRST_SESSION, end
        return closed[closed <= end][-MINUTE_SESSIONS:][0], end


def _delivered(sessions: Sequence[Bars]) -> pa.Table:
    columns = {
        name: np.concatenate([getattr(bars, name) for bars in sessions]) if sessions else np.empty(0)
        for name in VALUES
    }
    ts = [bars.ts for bars in sessions]
    moments = np.concatenate(ts) if ts else np.empty(0, dtype="datetime64[us]")
    nothing = pa.nulls(len(moments), pa.string())
    return pa.table(
        {"ts": pa.array(moments).cast(pa.timestamp("us", "UTC")), **columns, "delivered": nothing}
    ).cast(BARS_SCHEMA)
