"""What a simulated account did: costs it paid, trades it made, its equity at every close."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lake.errors import BadInput
from lake.market.bars import Bools, Floats, Times

Rows = NDArray[np.int64]

WHEN = ("signal_row", "entry_row", "exit_row", "bars_held")
"""Rows of a trade that the kernel fills, in its order."""

TERMS = (
    "entry_price",
    "exit_price",
    "quantity",
    "split_ratio",
    "commission",
    "dividends",
    "profit",
    "mae_pct",
    "mfe_pct",
)
"""Columns of a trade that the kernel fills, in its order."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Starting cash and what a fill costs, in basis points of the traded value and of the open."""

    cash: float = 10_000.0
    commission_bps: float = 5.0
    slippage_bps: float = 5.0

    def __post_init__(self) -> None:
        if not (isfinite(self.cash) and self.cash > 0):
            raise BadInput(f"expected cash above 0, found {self.cash}; give what the account starts with")
        for name in ("commission_bps", "slippage_bps"):
            value = getattr(self, name)
            if not 0 <= value < 10_000:
                raise BadInput(f"expected {name} from 0 to below 10000, found {value}; 5 means 0.05%")

    @property
    def commission(self) -> float:
        """Return the commission as a fraction of the traded value."""
        return self.commission_bps / 10_000

    @property
    def slippage(self) -> float:
        """Return the slippage as a fraction of the open."""
        return self.slippage_bps / 10_000


class Trades(NamedTuple):
    """Trades of one account, oldest first, one array a column.

    Prices are fills as traded, slippage included; `quantity` was bought and `quantity * split_ratio`
    sold. `profit` is net of commission and without `dividends`. An open trade has exit row -1 and
    the last close, without costs, as its exit price. `mae_pct` (never above 0) and `mfe_pct` (never
    below 0) are the worst and best price seen, splits undone, in percent of the entry price.
    """

    signal_row: Rows
    entry_row: Rows
    exit_row: Rows
    bars_held: Rows
    entry_price: Floats
    exit_price: Floats
    quantity: Floats
    split_ratio: Floats
    commission: Floats
    dividends: Floats
    profit: Floats
    mae_pct: Floats
    mfe_pct: Floats

    @property
    def total(self) -> int:
        """Return how many trades there are, an open one included."""
        return len(self.entry_row)

    @property
    def is_open(self) -> Bools:
        """Return which trades were still held at the last close."""
        return self.exit_row < 0

    @property
    def summed(self) -> tuple[Rows, Rows, Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
        """Return the columns from exit row to profit, which metrics sum up."""
        return self[2:11]

    @property
    def bought(self) -> Floats:
        """Return the value of each purchase, before commission."""
        return self.quantity * self.entry_price


class Curve(NamedTuple):
    """An account at every close, and what buying once and never selling would be worth."""

    cash: Floats
    equity: Floats
    buy_and_hold: Floats

    @property
    def position_value(self) -> Floats:
        """Return the value of what was held, at the close."""
        return self.equity - self.cash


class Path(NamedTuple):
    """Sums over the returns of an equity curve and its deepest fall, kept while it is drawn.

    `area` is the sum of equity, `squares` and `below` those of squared returns, of all and of those
    below 0. A fall lasts `fall_bars` from its peak until that is reached again or the curve ends.
    """

    total: float
    squares: float
    below: float
    area: float
    last: float
    peak: float
    peak_row: int
    trough: float
    fall: float
    fall_bars: int


PathTerms = tuple[float, float, float, float, float, float, int, float, float, int]
"""A `Path` as compiled code passes it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The simulation of one account over the bars of one symbol."""

    symbol: str
    timeframe: str
    ts: Times
    costs: Costs
    trades: Trades
    curve: Curve
    path: Path

    @property
    def return_pct(self) -> Floats:
        """Return each trade's profit in percent of what its purchase cost, entry commission included."""
        spent = self.trades.bought * (1.0 + self.costs.commission)
        return 100.0 * self.trades.profit / spent
