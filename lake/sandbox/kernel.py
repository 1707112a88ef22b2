"""The loops over bars that fill orders and mark the account, compiled.

Importing this module imports numba: callers do so inside the function that needs it. No fastmath:
the same input gives the same bits on every run. Between two events (a fill, a split, a dividend)
neither cash nor quantity changes, so each loop goes from event to event. The path of the curve (its
returns, its deepest fall) is summed while it is drawn: one pass over memory instead of two.

All functions that call one another stay in this file: numba's cache of a function notices a change of
its own file only.
"""

from __future__ import annotations

from numba import njit

from lake.market.bars import Bools, Floats, Times
from lake.sandbox.outcome import PathTerms, Rows


@njit(cache=True, error_model="numpy")
def _fill_row(signal: Bools, row: int) -> int:
    """Return the row after the first signal from `row` on; the number of bars if none can fill."""
    for known in range(row, len(signal) - 1):
        if signal[known]:
            return known + 1
    return len(signal)


@njit(cache=True, error_model="numpy")
def _start(equity: float) -> PathTerms:
    """Return the path before the first bar."""
    return 0.0, 0.0, 0.0, 0.0, equity, equity, 0, equity, 0.0, 0


@njit(cache=True, error_model="numpy")
def _step(path: PathTerms, equity: float, row: int) -> PathTerms:
    """Return the path with one more bar."""
    total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars = path
    change = equity / last - 1.0
    total += change
    squares += change * change
    if change < 0.0:
        below += change * change
    if equity < peak:
        trough = min(trough, equity)
    else:
        if trough < peak and 1.0 - trough / peak > fall:
            fall, fall_bars = 1.0 - trough / peak, row - peak_row
        peak, peak_row, trough = equity, row, equity
    return total, squares, below, area + equity, equity, peak, peak_row, trough, fall, fall_bars


@njit(cache=True, error_model="numpy")
def _rest(path: PathTerms, equity: float, row: int, until: int) -> PathTerms:
    """Return the path with bars from `row` to before `until` that all have one equity."""
    if row == until:
        return path
    total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars = _step(path, equity, row)
    if equity >= peak:
        peak_row = until - 1
    area += equity * (until - row - 1)
    return total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars


@njit(cache=True, error_model="numpy")
def _end(path: PathTerms, rows: int) -> PathTerms:
    """Return the path with a fall that was not over at the last of `rows` rows."""
    total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars = path
    if trough < peak and 1.0 - trough / peak > fall:
        fall, fall_bars = 1.0 - trough / peak, rows - 1 - peak_row
    return total, squares, below, area, last, peak, peak_row, trough, fall, fall_bars


@njit(cache=True, error_model="numpy")
def _hold_through(
    opens: Floats,
    closes: Floats,
    move_rows: Rows,
    ratios: Floats,
    dividends: Floats,
    cash: float,
    commission: float,
    slippage: float,
    equity: Floats,
) -> None:
    """Write to `equity` what buying once and never selling is worth at each close.

    The order is given at the first close, as the earliest signal of a strategy would be, and fills at
    the second bar's open at the same costs; dividends stay in cash.
    """
    bars, move, row = len(closes), 0, 1
    equity[:row] = cash
    while move < len(move_rows) and move_rows[move] <= row:
        move += 1
    if row < bars:
        quantity, cash = cash / (opens[row] * (1.0 + slippage) * (1.0 + commission)), 0.0
    while row < bars:
        until = min(bars, move_rows[move]) if move < len(move_rows) else bars
        worth, price = equity[row:until], closes[row:until]
        for held in range(len(price)):
            worth[held] = cash + quantity * price[held]
        row = until
        while move < len(move_rows) and move_rows[move] == row:
            quantity *= ratios[move]
            cash += quantity * dividends[move]
            move += 1


@njit(cache=True, error_model="numpy")
def trade_through(
    ts: Times,
    closes_at: Times,
    opens: Floats,
    highs: Floats,
    lows: Floats,
    closes: Floats,
    move_rows: Rows,
    ratios: Floats,
    dividends: Floats,
    enter: Bools,
    leave: Bools,
    cash: float,
    commission: float,
    slippage: float,
    when: Rows,
    terms: Floats,
    curve: Floats,
) -> tuple[int, PathTerms]:
    """Trade one account through its bars, all cash in one long position.

    Returns the number of trades and the path of equity. If the fill of a row would use a signal
    before its bar has closed, the number is -1 - row and nothing else counts.

    Args:
        move_rows: row before whose open a split (`ratios`) or a dividend (cash per share in that row's
            terms) takes effect, ascending; the other one's value is 1 or 0.
        enter: where to buy and not to sell; `leave`: where to sell.
        commission: share of the traded value; `slippage`: share of the open; both as fractions.
        when: out, a row for each trade, in the order of `lake.sandbox.outcome.WHEN`.
        terms: out, a row for each trade, in the order of `lake.sandbox.outcome.TERMS`.
        curve: out, three rows: cash, equity and the equity of buy and hold at each close.
    """
    _hold_through(opens, closes, move_rows, ratios, dividends, cash, commission, slippage, curve[2])
    bars, row, count, move = len(closes), 0, 0, 0
    path = _start(cash)
    while row < bars:
        entry = _fill_row(enter, row)
        curve[0, row:entry], curve[1, row:entry] = cash, cash
        path = _rest(path, cash, row, entry)
        if entry == bars:
            break
        exit_row = _fill_row(leave, entry)
        if ts[entry] < closes_at[entry - 1]:
            return -1 - entry, path
        if exit_row < bars and ts[exit_row] < closes_at[exit_row - 1]:
            return -1 - exit_row, path
        price = opens[entry] * (1.0 + slippage)
        bought = cash / (price * (1.0 + commission))
        fee = bought * price * commission
        ratio, received, worst, best = 1.0, 0.0, price, price
        while move < len(move_rows) and move_rows[move] <= entry:
            move += 1
        row = entry
        while row < exit_row:
            until = min(exit_row, move_rows[move]) if move < len(move_rows) else exit_row
            equity, quantity = curve[1, row:until], bought * ratio
            low, high, last = lows[row:until], highs[row:until], closes[row:until]
            curve[0, row:until] = received
            for held in range(len(last)):
                equity[held] = received + quantity * last[held]
                worst, best = min(worst, low[held] * ratio), max(best, high[held] * ratio)
                path = _step(path, equity[held], row + held)
            row = until
            while move < len(move_rows) and move_rows[move] == row:
                ratio *= ratios[move]
                received += bought * ratio * dividends[move]
                move += 1
        sale = closes[bars - 1]
        if exit_row < bars:
            sale = opens[exit_row] * (1.0 - slippage)
            worst, best = min(worst, sale * ratio), max(best, sale * ratio)
        sold = bought * ratio * sale
        if exit_row < bars:
            fee += sold * commission
            cash = received + sold - sold * commission
        when[count] = entry - 1, entry, exit_row if exit_row < bars else -1, exit_row - entry
        term = terms[count]
        term[0], term[1], term[2], term[3], term[4], term[5] = price, sale, bought, ratio, fee, received
        term[6] = sold - bought * price - fee
        term[7], term[8] = 100.0 * (worst / price - 1.0), 100.0 * (best / price - 1.0)
        count += 1
    return count, _end(path, bars)
