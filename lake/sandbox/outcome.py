"""What a simulated account did: costs it paid, trades it made, its equity at every close."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

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


@dataclass(frozen=True, slots=True)
class Trades:
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

    def __len__(self) -> int:
        return len(self.entry_row)

    @property
    def is_open(self) -> Bools:
        """Return which trades were still held at the last close."""
        return self.exit_row < 0

    @property
    def money(self) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """Return entry and exit price, quantity, split ratio, commission and dividends."""
        prices = (self.entry_price, self.exit_price, self.quantity, self.split_ratio)
        return (*prices, self.commission, self.dividends)

    @property
    def bought(self) -> Floats:
        """Return the value of each purchase, before commission."""
        return self.quantity * self.entry_price


@dataclass(frozen=True, slots=True)
class Curve:
    """An account at every close: `equity` is `cash` plus `position_value`."""

    cash: Floats
    position_value: Floats
    equity: Floats
    buy_and_hold: Floats


@dataclass(frozen=True, slots=True)
class Outcome:
    """The simulation of one account over the bars of one symbol."""

    symbol: str
    timeframe: str
    ts: Times
    costs: Costs
    trades: Trades
    curve: Curve

    @property
    def return_pct(self) -> Floats:
        """Return each trade's profit in percent of what its purchase cost, entry commission included."""
        spent = self.trades.bought * (1.0 + self.costs.commission)
        return 100.0 * self.trades.profit / spent
