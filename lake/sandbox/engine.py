"""Simulate one account on the bars of one symbol."""

from __future__ import annotations

from threading import local

import numpy as np

from lake.errors import BadInput
from lake.market.adjust import split_factor
from lake.market.bars import Actions, Bars, Bools, Dates, Floats
from lake.sandbox.outcome import TERMS, WHEN, Costs, Curve, Outcome, Path, Rows, Trades

ENGINE_VERSION = 1
"""Raised whenever the same inputs would give another outcome; part of every run's identity."""

DEFAULT_COSTS = Costs()


def simulate(
    bars: Bars, actions: Actions, enter: Bools, leave: Bools, costs: Costs = DEFAULT_COSTS
) -> Outcome:
    """Return what one account, all its cash in one long position, made of the signals.

    A signal of row t is known at `closes_at[t]` and fills at the open of row t + 1; a signal of the
    last row fills nothing, and where `enter` and `leave` hold together only `leave` counts. Events of
    one bar: split, dividend on the quantity held at the previous close, exit or entry at the open,
    mark at the close. An action whose ex-date has no bar takes effect on the next bar.

    Args:
        bars: as traded; every bar may be traded on.
        enter: per bar, whether to hold the stock when none is held; `leave` likewise to sell.

    Raises:
        BadInput: the signals are not one a bar, or a fill's bar starts before its signal's bar has closed.
    """
    from lake.sandbox.kernel import trade_through

    _check(bars, enter, leave)
    moves = _moves(bars, actions)
    account = (costs.cash, costs.commission, costs.slippage)
    most = len(bars) // 2  # a sale and the next purchase never share an open
    when, terms = _scratch.trades(most)
    curve = np.empty((3, len(bars)))
    columns = (bars.ts, bars.closes_at, bars.open, bars.high, bars.low, bars.close)
    count, path = trade_through(*columns, *moves, enter, leave, *account, when, terms, curve)
    if count < 0:
        raise BadInput(_too_early(bars, -1 - count))
    trades = Trades(*when[:count].T.copy(), *terms[:count].T.copy())
    return Outcome(bars.symbol, bars.timeframe, bars.ts, costs, trades, Curve(*curve), Path(*path))


def _check(bars: Bars, enter: Bools, leave: Bools) -> None:
    for name, signal in (("enter", enter), ("leave", leave)):
        if len(signal) != len(bars) or signal.dtype != np.bool_:
            raise BadInput(
                f"expected {name} to be {len(bars)} booleans, one a bar of {bars.symbol}, "
                f"found {len(signal)} of type {signal.dtype}"
            )


def _too_early(bars: Bars, row: int) -> str:
    return (
        f"expected bars of {bars.symbol} {bars.timeframe} that start after the one before has closed, "
        f"found {bars.ts[row]} before {bars.closes_at[row - 1]}; `lake verify` lists such bars"
    )


def _moves(bars: Bars, actions: Actions) -> tuple[Rows, Floats, Floats]:
    """Return the rows, ascending, on which actions take effect, with split ratio and dividend of each.

    Of one row splits come first, and a dividend is cash per share as of that row: less than in the
    terms of its ex-date if that had no bar and a split came in between.
    """
    splits, cash = len(actions.split_dates), len(actions.dividend_dates)
    if not (splits or cash) or not len(bars):
        return _NO_MOVES
    rows = _first_rows(bars, np.concatenate([actions.split_dates, actions.dividend_dates]))
    order = np.argsort(rows, kind="stable")
    order = order[rows[order] < len(bars)]
    ratios = np.concatenate([actions.split_ratios, np.ones(cash)])
    dividends = np.concatenate([np.zeros(splits), _per_share_of_row(bars, actions, rows[splits:])])
    return rows[order], ratios[order], dividends[order]


def _per_share_of_row(bars: Bars, actions: Actions, rows: Rows) -> Floats:
    session = bars.session[np.minimum(rows, len(bars) - 1)]
    between = split_factor(actions.dividend_dates, actions) / split_factor(session, actions)
    return actions.dividends / between


def _first_rows(bars: Bars, dates: Dates) -> Rows:
    """Return the first row whose session is not before each date; the number of bars if none is.

    What lies before the first bar lands on it, where nothing is held yet.
    """
    return np.searchsorted(bars.session, dates, side="left")


_NO_MOVES: tuple[Rows, Floats, Floats] = (np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))


class _Scratch(local):
    """Memory of one thread for the trades of an account while they are found.

    There is room for as many as the bars allow, far more than there are; new memory for each
    account would cost as much as its simulation.
    """

    def __init__(self) -> None:
        self._room(0)

    def trades(self, most: int) -> tuple[Rows, Floats]:
        """Return columns `WHEN` and `TERMS` of so many trades, until the next call."""
        if most > len(self._when):
            self._room(most)
        return self._when, self._terms

    def _room(self, most: int) -> None:
        self._when: Rows = np.empty((most, len(WHEN)), dtype=np.int64)
        self._terms: Floats = np.empty((most, len(TERMS)))


_scratch = _Scratch()
