"""The loops over bars that fill orders and mark the account, compiled.

Importing this module imports numba: callers do so inside the function that needs it. No fastmath:
the same input gives the same bits on every run. Between two events (a fill, a split, a dividend)
neither cash nor quantity changes, so each loop goes from event to event. The path of the curve (its
returns, its deepest fall) is summed while it is drawn: one pass over memory instead of two.

Which rows fill follows from the signals alone. So the opens of all fills are read before the account
is walked through, where each would be waited for.

All functions that call one another stay in this file: numba's cache of a function notices a change of
its own file only.
"""

from __future__ import annotations

from numba import njit

from lake.market.bars import Bools, Floats, Times
from lake.sandbox.outcome import PathTerms, Rows


@njit(cache=True, error_model="numpy")
def _entry_row(enter: Bools, leave: Bools, row: int) -> int:
    """Return the row after the first signal to buy from `row` on; the number of bars if none can fill."""
    for known in range(row, len(enter) - 1):
        if enter[known] and not leave[known]:
            return known + 1
    return len(enter)


@njit(cache=True, error_model="numpy")
def _exit_row(leave: Bools, row: int) -> int:
    """Return the row after the first signal to sell from `row` on; the number of bars if none can fill."""
    for known in range(row, len(leave) - 1):
        if leave[known]:
            return known + 1
    return len(leave)


@njit(cache=True, error_model="numpy")
def _find_trades(enter: Bools, leave: Bools, when: Rows) -> int:
    """Write the rows of each trade to `when` and return how many there are."""
    bars, row, count = len(enter), 0, 0
    while row < bars:
        entry = _entry_row(enter, leave, row)
        if entry == bars:
            break
        row = _exit_row(leave, entry)
        when[count] = entry - 1, entry, row if row < bars else -1, row - entry
        count += 1
    return count


@njit(cache=True, error_model="numpy")
def _early_row(ts: Times, closes_at: Times, when: Rows) -> int:
    """Return the first row that fills before its signal's bar has closed; 0, which never fills, if none."""
    for trade in range(len(when)):
        entry: int = when[trade, 1]
        exit_row: int = when[trade, 2]
        if ts[entry] < closes_at[entry - 1]:
            return entry
        if exit_row > 0 and ts[exit_row] < closes_at[exit_row - 1]:
            return exit_row
    return 0


@njit(cache=True, error_model="numpy")
def _quote(opens: Floats, last: float, when: Rows, terms: Floats) -> None:
    """Write each trade's opens of entry and exit to `terms`, `last` where it is still held."""
    for trade in range(len(when)):
        exit_row = when[trade, 2]
        terms[trade, 0] = opens[when[trade, 1]]
        terms[trade, 1] = opens[exit_row] if exit_row > 0 else last


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
def _first_after(move_rows: Rows, move: int, row: int) -> int:
    """Return the first move from `move` on that takes effect after the open of a row."""
    while move < len(move_rows) and move_rows[move] <= row:
        move += 1
    return move


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
    bars, row = len(closes), 1
    move = _first_after(move_rows, 0, row)
    equity[:row] = cash
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
def _hold(
    highs: Floats,
    lows: Floats,
    closes: Floats,
    move_rows: Rows,
    ratios: Floats,
    dividends: Floats,
    row: int,
    end: int,
    move: int,
    bought: float,
    price: float,
    curve: Floats,
    path: PathTerms,
) -> tuple[int, float, float, float, float, PathTerms]:
    """Draw the curve of shares bought at `price` and held from `row` to before `end`.

    Returns the next move, the product of the splits, the dividends received, the lowest and the highest
    price in the terms of the entry, and the path.
    """
    ratio, received, worst, best = 1.0, 0.0, price, price
    while row < end:
        until = min(end, move_rows[move]) if move < len(move_rows) else end
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
    return move, ratio, received, worst, best, path


@njit(cache=True, error_model="numpy")
def _settle(
    term: Floats,
    is_closed: bool,
    price: float,
    bought: float,
    ratio: float,
    received: float,
    worst: float,
    best: float,
    commission: float,
    slippage: float,
) -> float:
    """Write the terms of a trade over its opens and return the cash that it leaves."""
    sale: float = term[1]
    if is_closed:
        sale *= 1.0 - slippage
        worst, best = min(worst, sale * ratio), max(best, sale * ratio)
    sold = bought * ratio * sale
    paid = sold * commission if is_closed else 0.0
    fee = bought * price * commission + paid
    term[0], term[1], term[2], term[3], term[4], term[5] = price, sale, bought, ratio, fee, received
    term[6] = sold - bought * price - fee
    term[7], term[8] = 100.0 * (worst / price - 1.0), 100.0 * (best / price - 1.0)
    return received + sold - paid


@njit(cache=True, error_model="numpy", nogil=True)
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
    before its bar has closed, the number is -1 - row of the first such fill and nothing else counts.

    Args:
        move_rows: row before whose open a split (`ratios`) or a dividend (cash per share in that row's
            terms) takes effect, ascending; the other one's value is 1 or 0.
        enter: where to buy unless `leave` holds too; `leave`: where to sell.
        commission: share of the traded value; `slippage`: share of the open; both as fractions.
        when: out, a row for each trade, in the order of `lake.sandbox.outcome.WHEN`.
        terms: out, a row for each trade, in the order of `lake.sandbox.outcome.TERMS`.
        curve: out, three rows: cash, equity and the equity of buy and hold at each close.
    """
    bars, row, move = len(closes), 0, 0
    count = _find_trades(enter, leave, when)
    when, terms = when[:count], terms[:count]
    early = _early_row(ts, closes_at, when)
    path = _start(cash)
    if early:
        return -1 - early, path
    _hold_through(opens, closes, move_rows, ratios, dividends, cash, commission, slippage, curve[2])
    if count:
        _quote(opens, closes[bars - 1], when, terms)
    for trade in range(count):
        entry, is_closed, term = when[trade, 1], when[trade, 2] > 0, terms[trade]
        curve[0, row:entry], curve[1, row:entry] = cash, cash
        path = _rest(path, cash, row, entry)
        price = term[0] * (1.0 + slippage)
        bought = cash / (price * (1.0 + commission))
        row, move = entry + when[trade, 3], _first_after(move_rows, move, entry)
        move, ratio, received, worst, best, path = _hold(
            highs, lows, closes, move_rows, ratios, dividends, entry, row, move, bought, price, curve, path
        )
        cash = _settle(term, is_closed, price, bought, ratio, received, worst, best, commission, slippage)
    if row < bars:
        curve[0, row:], curve[1, row:] = cash, cash
        path = _rest(path, cash, row, bars)
    return count, _end(path, bars)
