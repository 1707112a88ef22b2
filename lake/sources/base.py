"""What a source is asked for and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa

from lake.errors import BadInput, UnknownSymbol
from lake.market.bars import Floats
from lake.market.symbols import parse_symbols
from lake.market.timeframes import parse_timeframe

Mode = Literal["catch-up", "reset"]
PriceBasis = Literal["raw", "split"]

BAR_COLUMNS = ("ts", "open", "high", "low", "close", "volume")
BARS_SCHEMA = pa.schema(
    [
        ("ts", pa.timestamp("us", "UTC")),
        *((name, pa.float64()) for name in BAR_COLUMNS[1:]),
        ("delivered", pa.string()),
    ]
)
"""Bars as a source delivers them; `delivered` is the row as JSON where a value could not be read."""

EVIDENCE = ("adj_close", "applied_split")
"""Further columns that help to judge bars and actions: the source's own adjusted close, and the ratio
of a split that split-basis prices already contain. A source may leave them out; the lake keeps neither."""

NO_SYMBOL = ""
"""Stands for the rows of a source whose symbol is none; they can only be set aside."""

ACTIONS_SCHEMA = pa.schema([("ex_date", pa.date32()), ("kind", pa.string()), ("value", pa.float64())])


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """One request for bars; empty `symbols` mean all that the source offers.

    `start` and `end` are session dates, both included. `price_basis` is what the delivered
    prices are: as traded, or already divided by later splits. Without `exchange` a symbol stays
    on the one the lake knows, a new one is on XNYS.
    """

    source: str
    symbols: tuple[str, ...] = ()
    mode: Mode = "catch-up"
    path: str | None = None
    timeframe: str = "1d"
    start: date | None = None
    end: date | None = None
    exchange: str | None = None
    price_basis: PriceBasis = "raw"

    def __post_init__(self) -> None:
        parse_symbols(self.symbols)
        parse_timeframe(self.timeframe)
        if self.mode not in ("catch-up", "reset"):
            raise BadInput(f"expected a mode, catch-up or reset, found {self.mode!r}")
        if self.price_basis not in ("raw", "split"):
            raise BadInput(f"expected a price basis, raw or split, found {self.price_basis!r}")
        if self.start and self.end and self.start > self.end:
            raise BadInput(
                f"expected dates in order, found --from {self.start} after --to {self.end}; swap them"
            )


@dataclass(frozen=True, slots=True)
class Fetched:
    """One symbol's answer: bars (BARS_SCHEMA, as delivered, EVIDENCE if it has some) and actions.

    `problem` says why there is no answer; then it has no rows, and nothing is to be made of that.
    """

    symbol: str
    name: str | None
    bars: pa.Table
    actions: pa.Table
    problem: str | None = None


def unanswered(symbol: str, problem: str) -> Fetched:
    """Return what stands for a symbol that could not be fetched."""
    return Fetched(symbol, None, BARS_SCHEMA.empty_table(), ACTIONS_SCHEMA.empty_table(), problem)


class Source(Protocol):
    """Something that delivers bars."""

    def offered(self, request: IngestRequest) -> Sequence[str]:
        """Return the symbols it has for a request, in order of name."""
        ...

    def fetch(self, request: IngestRequest, symbols: Sequence[str]) -> Iterator[Fetched]:
        """Yield what it has of each symbol, within the request's dates."""
        ...


def actions_table(ts: pa.ChunkedArray, ratio: Floats, dividend: Floats) -> pa.Table:
    """Return ACTIONS_SCHEMA rows of the days whose ratio is not 1 or whose dividend is not 0.

    NaN is none, and so is the ratio 0 that some sources write.
    """
    days = ts.cast(pa.date32())
    parts = [
        pa.table({"ex_date": days, "kind": pa.repeat(kind, len(days)), "value": values}).filter(
            pa.array(np.isfinite(values) & (values != nothing) & (values != 0.0))
        )
        for kind, values, nothing in (("split", ratio, 1.0), ("dividend", dividend, 0.0))
    ]
    return pa.concat_tables(parts).cast(ACTIONS_SCHEMA).sort_by([("ex_date", "ascending")])


def chosen(
    request: IngestRequest,
    offered: Sequence[str],
    canonical: Callable[[Sequence[str]], Sequence[str]] = tuple,
) -> list[str]:
    """Return the names that a source offers of a request's symbols; `canonical` knows aliases.

    Raises:
        UnknownSymbol: the source lacks a symbol that the request names.
    """
    if missing := sorted(set(request.symbols) - set(canonical(offered))):
        has = ", ".join(offered[:10]) + (" …" if len(offered) > 10 else "")
        raise UnknownSymbol(
            f"expected symbols that source {request.source} has, found {', '.join(missing)}; "
            f"it offers {has or 'none'}"
        )
    return sorted(n for n in set(offered) if not request.symbols or canonical([n])[0] in request.symbols)
