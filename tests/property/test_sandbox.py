"""What holds for every account, and agreement with a plain loop that shares no code with the engine."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lake.market.bars import Actions, Bars, Bools
from lake.sandbox.engine import simulate
from lake.sandbox.metrics import measure
from lake.sandbox.outcome import Costs, Outcome
from tests.builders import actions, daily_bars, sessions

DAYS = sessions("2015-01-02", 60)
SIMULATIONS = settings(max_examples=150, deadline=None)


@dataclass(frozen=True)
class Case:
    """Everything one simulation is given."""

    bars: Bars
    moves: Actions
    enter: Bools
    leave: Bools
    costs: Costs

    def run(self) -> Outcome:
        return simulate(self.bars, self.moves, self.enter, self.leave, self.costs)


@st.composite
def cases(draw: st.DrawFn, least: int = 1) -> Case:
    """Draw bars with holes between them, actions on any day, signals and costs."""
    days = sorted(draw(st.sets(st.integers(0, 49), min_size=least, max_size=40)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = len(days)
    close = np.round(50 * np.exp(np.cumsum(random.normal(0, 0.05, count))), 4)
    opens = np.round(close * np.exp(random.normal(0, 0.02, count)), 4)
    high, low = np.maximum(opens, close) * 1.01, np.minimum(opens, close) * 0.99
    bars = daily_bars([DAYS[day] for day in days], close, open=opens, high=high, low=low)
    some_days = st.lists(st.integers(0, 59), max_size=4, unique=True).map(sorted)
    splits = [(DAYS[day], draw(st.sampled_from([0.1, 0.5, 1.5, 2.0, 3.0, 7.0]))) for day in draw(some_days)]
    cash = [(DAYS[day], draw(st.floats(0.01, 2.0))) for day in draw(some_days)]
    bps = st.sampled_from([0.0, 5.0, 37.5, 250.0])
    share = draw(st.sampled_from([0.1, 0.5, 0.9]))
    return Case(
        bars=bars,
        moves=actions(splits, cash),
        enter=random.random(count) < share,
        leave=random.random(count) < share / 2,
        costs=Costs(draw(st.sampled_from([1.0, 10_000.0, 1e9])), draw(bps), draw(bps)),
    )


def plain_loop(case: Case) -> tuple[list[float], list[float], list[float]]:
    """Return equity, trade profits and trade dividends, one event after another."""
    bars, moves, costs = case.bars, case.moves, case.costs
    commission, slippage = costs.commission_bps / 1e4, costs.slippage_bps / 1e4
    events = [(str(day), 0, ratio) for day, ratio in zip(moves.split_dates, moves.split_ratios, strict=True)]
    events += [(str(day), 1, cash) for day, cash in zip(moves.dividend_dates, moves.dividends, strict=True)]
    events.sort()
    cash, shares, spent, paid_out = costs.cash, 0.0, 0.0, 0.0
    equity, profits, dividends = [], [], []
    for row in range(len(bars)):
        while events and events[0][0] <= str(bars.session[row]):
            _, kind, value = events.pop(0)
            if kind == 0:
                shares = shares * value
            else:
                cash += shares * value
                paid_out += shares * value
        if row > 0 and shares > 0 and case.leave[row - 1]:
            proceeds = shares * bars.open[row] * (1 - slippage)
            proceeds -= proceeds * commission
            profits.append(proceeds - spent)
            dividends.append(paid_out)
            cash, shares = cash + proceeds, 0.0
        elif row > 0 and shares == 0 and case.enter[row - 1] and not case.leave[row - 1]:
            shares = cash / (bars.open[row] * (1 + slippage) * (1 + commission))
            spent, cash, paid_out = cash, 0.0, 0.0
        equity.append(cash + shares * bars.close[row])
    if shares > 0:
        profits.append(shares * bars.close[-1] - spent)
        dividends.append(paid_out)
    return equity, profits, dividends


@SIMULATIONS
@given(cases())
def test_the_engine_agrees_with_a_plain_loop(case: Case) -> None:
    outcome = case.run()
    equity, profits, dividends = plain_loop(case)
    scale = max(equity)
    assert outcome.curve.equity == pytest.approx(equity, rel=1e-9)
    assert outcome.trades.profit == pytest.approx(profits, rel=1e-9, abs=1e-9 * scale)
    assert outcome.trades.dividends == pytest.approx(dividends, rel=1e-9, abs=1e-9 * scale)
    metrics = measure(outcome)
    assert metrics.profit_pct == pytest.approx(100 * (equity[-1] / case.costs.cash - 1), rel=1e-9, abs=1e-9)


@SIMULATIONS
@given(cases(least=3))
def test_metrics_of_the_curve_agree_with_the_curve(case: Case) -> None:
    """The engine sums while it draws; here the finished curve is measured again."""
    outcome = case.run()
    metrics, equity = measure(outcome), outcome.curve.equity
    returns = np.diff(equity) / equity[:-1]
    assert metrics.volatility == pytest.approx(returns.std(ddof=1) * np.sqrt(252), rel=1e-9, abs=1e-12)
    assert outcome.path.total == pytest.approx(returns.sum(), rel=1e-9, abs=1e-12)
    assert outcome.path.below == pytest.approx((np.minimum(returns, 0) ** 2).sum(), rel=1e-9, abs=1e-12)
    assert outcome.path.area == pytest.approx(equity.sum(), rel=1e-12)
    peaks = np.maximum.accumulate(equity)
    assert metrics.max_drawdown == pytest.approx((1 - equity / peaks).max(), rel=1e-9, abs=1e-15)
    bottom = int((1 - equity / peaks).argmax())
    top = int(np.flatnonzero(equity[: bottom + 1] == peaks[bottom])[-1])
    over = np.flatnonzero(equity[bottom:] >= peaks[bottom])
    until = bottom + int(over[0]) if len(over) else len(equity) - 1
    assert metrics.max_drawdown_bars == until - top


@SIMULATIONS
@given(cases())
def test_equity_is_cash_plus_position_and_cash_is_never_negative(case: Case) -> None:
    curve = case.run().curve
    assert (curve.cash >= 0).all()
    assert (curve.position_value >= 0).all()
    assert curve.cash + curve.position_value == pytest.approx(curve.equity, rel=1e-14)


@SIMULATIONS
@given(cases())
def test_profits_and_dividends_add_up_to_what_was_gained(case: Case) -> None:
    outcome = case.run()
    gained = outcome.curve.equity[-1] - case.costs.cash
    scale = max(outcome.curve.equity.max(), case.costs.cash)
    earned = outcome.trades.profit.sum() + outcome.trades.dividends.sum()
    assert earned == pytest.approx(gained, abs=1e-9 * scale)


@SIMULATIONS
@given(cases(least=3), st.data())
def test_bars_after_a_fill_never_change_it(case: Case, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(case.bars) - 1))
    before = case.run()
    later = np.arange(len(case.bars)) >= cut
    other = replace(
        case.bars,
        open=np.where(later, case.bars.open * 1.7, case.bars.open),
        high=case.bars.high * np.where(later, 3.0, 1.0),
        low=case.bars.low * np.where(later, 0.2, 1.0),
        close=np.where(later, case.bars.close * 0.6, case.bars.close),
    )
    after = simulate(other, case.moves, case.enter ^ later, case.leave ^ later, case.costs)
    entered = before.trades.entry_row < cut
    count = int(entered.sum())
    for name in ("signal_row", "entry_row", "entry_price", "quantity"):
        mine, theirs = getattr(before.trades, name), getattr(after.trades, name)
        assert mine[:count].tolist() == theirs[:count].tolist()
    assert before.curve.equity[:cut].tolist() == after.curve.equity[:cut].tolist()
    assert before.curve.buy_and_hold[:cut].tolist() == after.curve.buy_and_hold[:cut].tolist()


@SIMULATIONS
@given(cases(least=2))
def test_signals_a_bar_later_move_every_fill_a_bar_later(case: Case) -> None:
    enter, leave = np.roll(case.enter, 1), np.roll(case.leave, 1)
    enter[0] = leave[0] = False
    now, later = case.run().trades, simulate(case.bars, case.moves, enter, leave, case.costs).trades
    last = len(case.bars) - 1
    fills = now.entry_row[now.entry_row < last] + 1
    assert later.entry_row.tolist() == fills.tolist()
    exits = np.where((now.exit_row < 0) | (now.exit_row == last), -1, now.exit_row + 1)
    assert later.exit_row.tolist() == exits[: len(fills)].tolist()


@SIMULATIONS
@given(cases())
def test_every_fill_follows_its_signal_bar_by_one(case: Case) -> None:
    trades, bars = case.run().trades, case.bars
    assert (trades.entry_row == trades.signal_row + 1).all()
    assert case.enter[trades.signal_row].all()
    assert not case.leave[trades.signal_row].any()
    assert (bars.ts[trades.entry_row] >= bars.closes_at[trades.signal_row]).all()
    exits = trades.exit_row[~trades.is_open]
    assert case.leave[exits - 1].all()
    assert (exits > trades.entry_row[~trades.is_open]).all()


@SIMULATIONS
@given(cases(), st.integers(-20, 20))
def test_prices_scaled_by_a_power_of_two_give_the_same_bits(case: Case, power: int) -> None:
    factor = 2.0**power
    bars = replace(case.bars, **{n: getattr(case.bars, n) * factor for n in ("open", "high", "low", "close")})
    moves = replace(case.moves, dividends=case.moves.dividends * factor)
    scaled, plain = simulate(bars, moves, case.enter, case.leave, case.costs), case.run()
    assert scaled.curve.equity.tolist() == plain.curve.equity.tolist()
    assert (scaled.trades.quantity * factor).tolist() == plain.trades.quantity.tolist()
    assert scaled.trades.profit.tolist() == plain.trades.profit.tolist()
    assert scaled.trades.mae_pct.tolist() == plain.trades.mae_pct.tolist()


@SIMULATIONS
@given(cases())
def test_a_repeat_gives_the_same_bits_and_leaves_its_inputs_alone(case: Case) -> None:
    before = [array.tobytes() for array in (case.bars.open, case.bars.close, case.enter, case.leave)]
    once, again = case.run(), case.run()
    assert once.curve.equity.tobytes() == again.curve.equity.tobytes()
    assert once.trades.profit.tobytes() == again.trades.profit.tobytes()
    assert [a.tobytes() for a in (case.bars.open, case.bars.close, case.enter, case.leave)] == before


@SIMULATIONS
@given(cases())
def test_always_holding_is_buy_and_hold(case: Case) -> None:
    always, never = np.ones(len(case.bars), dtype=bool), np.zeros(len(case.bars), dtype=bool)
    curve = simulate(case.bars, case.moves, always, never, case.costs).curve
    assert curve.equity == pytest.approx(curve.buy_and_hold, rel=1e-12)


@SIMULATIONS
@given(cases())
def test_excursions_enclose_the_way_from_entry_to_exit(case: Case) -> None:
    trades = case.run().trades
    move_pct = 100 * (trades.exit_price * trades.split_ratio / trades.entry_price - 1)
    assert (trades.mae_pct <= np.minimum(move_pct, 0) + 1e-9).all()
    assert (trades.mfe_pct >= np.maximum(move_pct, 0) - 1e-9).all()


@SIMULATIONS
@given(cases(least=4), st.integers(1, 40))
def test_a_split_of_the_bars_without_a_holding_changes_nothing(case: Case, row: int) -> None:
    """A split is only a change of units: undone in prices and named as an action, equity stays."""
    assume(row < len(case.bars))
    assume(not len(case.moves.split_dates) and not len(case.moves.dividend_dates))
    factor = np.where(np.arange(len(case.bars)) >= row, 2.0, 1.0)
    split = actions(splits=[(str(case.bars.session[row]), 2.0)])
    halved = simulate(case.bars.rescaled(factor), split, case.enter, case.leave, case.costs)
    assert halved.curve.equity.tolist() == case.run().curve.equity.tolist()
