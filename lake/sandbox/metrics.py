"""Metrics of one simulated account.

Conventions: names without a unit are money or plain ratios (0.25 is a quarter); `_pct` is percent.
Returns are simple, close to close, dividends included, with a risk-free rate of 0; standard
deviations divide by n - 1. Wins, losses and everything derived from trades count closed trades
only, by profit net of commission and without dividends. What is undefined is NaN, never 0 or
infinite: a ratio without a denominator, a mean of nothing, a deviation of fewer than two values.
"""

from __future__ import annotations

from functools import cache
from math import expm1, isfinite, isnan, log, nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from lake.market.bars import Times
from lake.market.timeframes import INTRADAY_MINUTES, kind_of, sessions_in
from lake.sandbox.outcome import Outcome, Path

SESSIONS_PER_YEAR = 252
SESSION_MINUTES = 390
WEEKS_PER_YEAR = 52
_ROUNDING = 1e-14  # of the mean square: a smaller variance is the rounding of equal values
_YEAR_MICROS = 365.25 * 86_400e6


class Metrics(NamedTuple):
    """One account in numbers.

    cagr: (final equity / cash) ** (1 / years) - 1, years of 365.25 days from first to last bar.
    volatility: standard deviation of bar returns times sqrt(bars per year).
    sharpe: mean / standard deviation of bar returns, annualised likewise (Sharpe 1994).
    sortino: the same mean over the root mean square of returns below 0, all bars counted (Sortino 1994).
    calmar: cagr / max_drawdown, over the whole window (Young 1991).
    max_drawdown: largest 1 - equity / highest equity before; `max_drawdown_bars` counts the bars from
        that highest equity until it is reached again or the run ends.
    exposure: share of closes at which the stock was held.
    trades: closed ones; `open_trades` is 0 or 1. A trade of profit 0 is neither win nor loss.
    profit_factor: profits of wins / losses of losses. expectancy: mean profit of a trade.
    sqn: sqrt(trades) * mean / standard deviation of trade profits (Tharp 2008).
    kelly: win_rate - (1 - win_rate) / (average win / average loss) (Kelly 1956, two outcomes).
    turnover: traded value, buys and sells, over mean equity; not annualised.
    break_even_bps: cost per traded value, commission and slippage together, at which the same fills
        would have earned nothing: (profit + costs paid) / traded value, negative if lost before costs.
    """

    final_equity: float
    profit: float
    profit_pct: float
    cagr: float
    volatility: float
    sharpe: float
    sortino: float
    calmar: float
    max_drawdown: float
    max_drawdown_bars: int
    exposure: float
    trades: int
    open_trades: int
    wins: int
    losses: int
    win_rate: float
    profit_factor: float
    expectancy: float
    average_win: float
    average_loss: float
    best_trade: float
    worst_trade: float
    sqn: float
    kelly: float
    turnover: float
    commission: float
    dividends: float
    break_even_bps: float
    buy_and_hold_profit_pct: float

    def as_row(self) -> dict[str, Any]:
        """Return the metrics by name, an undefined one as None."""
        return {name: None if isnan(value) else value for name, value in self._asdict().items()}


def measure(outcome: Outcome) -> Metrics:
    """Return the metrics of an account over at least one bar."""
    from lake.sandbox.tally import tally

    cash, trades, path = outcome.costs.cash, outcome.trades, outcome.path
    final, held, bars = path.last, outcome.curve.buy_and_hold.item(-1), len(outcome.ts)
    mean, deviation, downside = _moments(path, bars - 1)
    yearly = sqrt(bars_per_year(outcome.timeframe))
    cagr = _growth(cash, final, _years(outcome.ts))
    count, wins, losses, won, lost, squares, best, worst, *rest = tally(*trades.summed)
    bought, sold, commission, dividends, bars_held = rest
    win_rate, average_win, average_loss = _ratio(wins, count), _ratio(won, wins), -_ratio(lost, losses)
    costs_paid = commission + _slipped(bought, sold, outcome.costs.slippage)
    return Metrics(
        final_equity=final,
        profit=final - cash,
        profit_pct=100.0 * (final / cash - 1.0),
        cagr=cagr,
        volatility=deviation * yearly,
        sharpe=_ratio(mean, deviation) * yearly,
        sortino=_ratio(mean, downside) * yearly,
        calmar=_ratio(cagr, path.fall),
        max_drawdown=path.fall,
        max_drawdown_bars=path.fall_bars,
        exposure=bars_held / bars,
        trades=count,
        open_trades=trades.total - count,
        wins=wins,
        losses=losses,
        win_rate=win_rate,
        profit_factor=_ratio(won, lost),
        expectancy=_ratio(won - lost, count),
        average_win=average_win,
        average_loss=average_loss,
        best_trade=best,
        worst_trade=worst,
        sqn=sqrt(count) * _ratio(_ratio(won - lost, count), _deviation(count, won - lost, squares)),
        kelly=win_rate - _ratio(1.0 - win_rate, _ratio(average_win, -average_loss)),
        turnover=_ratio(bought + sold, path.area / bars),
        commission=commission,
        dividends=dividends,
        break_even_bps=10_000 * _ratio(final - cash + costs_paid, bought + sold),
        buy_and_hold_profit_pct=100.0 * (held / cash - 1.0),
    )


@cache
def bars_per_year(timeframe: str) -> float:
    """Return how many bars a year has, counting 252 sessions of 390 minutes and 52 weeks."""
    kind = kind_of(timeframe)
    if kind == "intraday":
        return SESSIONS_PER_YEAR * SESSION_MINUTES / INTRADAY_MINUTES[timeframe]
    return WEEKS_PER_YEAR if kind == "weekly" else SESSIONS_PER_YEAR / sessions_in(timeframe)


def _moments(path: Path, count: int) -> tuple[float, float, float]:
    """Return mean, deviation and downside deviation of returns."""
    if count < 2:
        return nan, nan, nan
    return path.total / count, _deviation(count, path.total, path.squares), sqrt(path.below / count)


def _deviation(count: int, total: float, squares: float) -> float:
    """Return the standard deviation of values with this sum and sum of squares."""
    if count < 2:
        return nan
    variance = (squares - total * total / count) / (count - 1)
    return sqrt(variance) if variance > _ROUNDING * squares / count else 0.0


def _slipped(bought: float, sold: float, slippage: float) -> float:
    """Return what slippage cost, from values at fill prices, which contain it."""
    return bought * slippage / (1.0 + slippage) + sold * slippage / (1.0 - slippage)


def _years(ts: Times) -> float:
    micros = ts.view(np.int64)
    return (micros.item(-1) - micros.item(0)) / _YEAR_MICROS


def _growth(first: float, last: float, years: float) -> float:
    if years <= 0:
        return nan
    log_growth = log(last / first) / years
    return expm1(log_growth) if log_growth < 700 else nan


def _ratio(above: float, below: float) -> float:
    return above / below if below and isfinite(below) else nan
