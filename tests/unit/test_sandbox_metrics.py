"""Metrics against values worked out by hand."""

from dataclasses import replace
from math import isnan, sqrt

import numpy as np
import pytest

from lake.market.bars import Actions
from lake.sandbox.engine import simulate
from lake.sandbox.metrics import Metrics, bars_per_year, measure
from lake.sandbox.outcome import Costs
from lake.store.tables import TABLES
from tests.builders import daily_bars, sessions

FREE = Costs(commission_bps=0, slippage_bps=0)
DAYS = sessions("2012-01-03", 9)


def measured(
    opens: list[float], closes: list[float], buy: list[int], sell: list[int], costs: Costs = FREE
) -> Metrics:
    count = len(opens)
    enter, leave = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    enter[buy], leave[sell] = True, True
    high, low = np.maximum(opens, closes).tolist(), np.minimum(opens, closes).tolist()
    bars = daily_bars(DAYS[:count], closes, open=opens, high=high, low=low)
    return measure(simulate(bars, Actions.none(), enter, leave, costs))


def test_the_curve_of_one_free_trade() -> None:
    """100 shares from 100 to 130.68: equity 10,000, 11,000, 9,900, 10,890, 13,068, 13,068.

    Returns 0.1, -0.1, 0.1, 0.2, 0: mean 0.06, squared deviations 0.0016 + 0.0256 + 0.0016 + 0.0196 + 0.0036
    = 0.052, over 4 = 0.013; below zero only 0.01 / 5 = 0.002. 2012-01-03 to 2012-01-10 is 7 days.
    Deepest fall from 11,000 to 9,900, over when 13,068 is reached 3 bars after the peak.
    Traded 10,000 + 13,068 = 23,068; mean equity 67,926 / 6 = 11,321.
    """
    m = measured([100, 100, 105, 105, 120, 130.68], [100, 110, 99, 108.9, 130.68, 120], [0], [4])
    assert (m.final_equity, m.profit, m.profit_pct) == pytest.approx((13_068, 3_068, 30.68))
    assert m.cagr == pytest.approx(1.3068 ** (365.25 / 7) - 1)
    assert m.volatility == pytest.approx(sqrt(0.013) * sqrt(252))
    assert m.sharpe == pytest.approx(0.06 / sqrt(0.013) * sqrt(252))
    assert m.sortino == pytest.approx(0.06 / sqrt(0.002) * sqrt(252))
    assert (m.max_drawdown, m.max_drawdown_bars) == pytest.approx((0.1, 3))
    assert m.calmar == pytest.approx(m.cagr / 0.1)
    assert m.exposure == pytest.approx(4 / 6)
    assert m.turnover == pytest.approx(23_068 / 11_321)
    assert m.break_even_bps == pytest.approx(10_000 * 3_068 / 23_068)
    assert m.buy_and_hold_profit_pct == pytest.approx(20)


def test_wins_and_losses_count_closed_trades_only() -> None:
    """Bought 100 sold 110, bought 110 sold 99, bought 99 sold 108.9, bought 108.9 and still held at 200.

    Profits 1,000, -1,100, 990: mean 296.67, squared deviations 494,677.78 + 1,950,677.78 + 480,711.11 over 2
    = 1,463,033.33. Average win 995 against average loss 1,100.
    """
    opens = [100, 100, 110, 110, 99, 99, 108.9, 108.9]
    m = measured(opens, [*opens[:-1], 200], [0, 2, 4, 6], [1, 3, 5])
    assert (m.trades, m.open_trades, m.wins, m.losses) == (3, 1, 2, 1)
    assert (m.win_rate, m.profit_factor, m.expectancy) == pytest.approx((2 / 3, 1990 / 1100, 890 / 3))
    assert (m.average_win, m.average_loss) == pytest.approx((995, -1100))
    assert (m.best_trade, m.worst_trade) == pytest.approx((1000, -1100))
    assert m.sqn == pytest.approx(sqrt(3) * (890 / 3) / sqrt(1_463_033.3333), rel=1e-6)
    assert m.kelly == pytest.approx(2 / 3 - (1 / 3) / (995 / 1100))


def test_costs_are_reported_and_break_even_is_where_they_eat_the_profit() -> None:
    """Commission and slippage 1% each, $10,201: 100 shares at 101, sold at 120 * 0.99 = 118.80.

    Commission 101 + 118.80 = 219.80, slippage 100 * 1 + 100 * 1.20 = 220; profit 1,560.20 after both.
    (1,560.20 + 219.80 + 220) / (10,100 + 11,880) = 2,000 / 21,980 = 909.92 bps of what was traded.
    """
    costs = Costs(cash=10_201, commission_bps=100, slippage_bps=100)
    m = measured([100, 100, 120], [100, 110, 120], [0], [1], costs)
    assert m.commission == pytest.approx(219.80)
    assert m.break_even_bps == pytest.approx(10_000 * 2_000 / 21_980)


def test_a_drawdown_that_is_not_over_lasts_to_the_end() -> None:
    """Equity 10,000, 10,000, 12,000, 9,000, 9,600: down a quarter, still below the peak 2 bars later."""
    m = measured([100, 100, 120, 90, 96], [100, 100, 120, 90, 96], [0], [])
    assert (m.max_drawdown, m.max_drawdown_bars) == pytest.approx((0.25, 2))


def test_the_deepest_drawdown_gives_the_length_not_the_longest() -> None:
    """Down 1% for 4 bars, then down 20% for 2."""
    closes = [100, 100, 99, 99, 99, 100, 80, 100]
    m = measured(closes, closes, [0], [])
    assert (m.max_drawdown, m.max_drawdown_bars) == pytest.approx((0.20, 2))


def test_a_drawdown_begins_on_the_last_bar_of_its_peak() -> None:
    """In cash to row 3, down 10% on row 4, back on row 5: 2 bars."""
    m = measured([100] * 6, [100, 100, 100, 100, 90, 100], [3], [])
    assert (m.max_drawdown, m.max_drawdown_bars) == pytest.approx((0.1, 2))


def test_an_account_that_never_traded_has_nothing_where_nothing_is_defined() -> None:
    m = measured([100, 100, 100], [100, 101, 99], [], [])
    undefined = {name for name, value in m._asdict().items() if isnan(value)}
    of_trades = "win_rate profit_factor expectancy average_win average_loss best_trade worst_trade sqn kelly"
    assert undefined == {"sharpe", "sortino", "calmar", "break_even_bps", *of_trades.split()}
    assert {m.as_row()[name] for name in undefined} == {None}
    assert (m.profit, m.cagr, m.volatility, m.max_drawdown, m.exposure, m.turnover) == (0, 0, 0, 0, 0, 0)


def test_only_wins_leave_ratios_to_losses_undefined() -> None:
    m = measured([100, 100, 110], [100, 105, 110], [0], [1])
    assert (m.wins, m.losses, m.win_rate) == (1, 0, 1.0)
    undefined = (m.profit_factor, m.average_loss, m.kelly, m.sqn, m.sortino, m.calmar)
    assert all(isnan(value) for value in undefined)


def test_one_bar_has_no_growth_rate() -> None:
    m = measured([100], [100], [], [])
    assert isnan(m.cagr)
    assert isnan(m.volatility)
    assert m.final_equity == 10_000


def test_equal_returns_have_no_deviation_to_divide_by() -> None:
    """A fall of 1% a bar from the fill on: their computed variance is rounding, and a ratio to it noise."""
    closes = [100 * 0.99**bar for bar in range(9)]
    always = np.ones(9, dtype=bool)
    outcome = simulate(daily_bars(DAYS, closes), Actions.none(), always, ~always)
    seven_equal = outcome.path._replace(total=7 * -0.01, squares=7 * 0.01**2 * (1 + 1e-15))
    equal = replace(outcome, ts=outcome.ts[1:], path=seven_equal)
    assert measure(equal).volatility == 0
    assert isnan(measure(equal).sharpe)


@pytest.mark.parametrize(
    ("timeframe", "bars"),
    [("1d", 252), ("1wk", 52), ("2d", 126), ("13d", 252 / 13), ("5m", 252 * 78), ("30m", 252 * 13)],
)
def test_bars_a_year(timeframe: str, bars: float) -> None:
    assert bars_per_year(timeframe) == pytest.approx(bars)


def test_every_metric_has_its_column() -> None:
    columns = TABLES["sandbox_metrics"].schema.names
    assert columns == ["run_id", "symbol", "first_ts", "last_ts", "bars", *Metrics._fields]
