"""Three accounts worked out by hand to the cent, then the order of events and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from lake.errors import BadInput
from lake.market.bars import Actions, Bools
from lake.sandbox.engine import simulate
from lake.sandbox.outcome import Costs, Outcome
from tests.builders import actions, daily_bars, sessions

DAYS = sessions("2012-01-03", 8)
FREE = Costs(commission_bps=0, slippage_bps=0)


def at(count: int, *rows: int) -> Bools:
    """Return signals on the given rows."""
    signal = np.zeros(count, dtype=bool)
    signal[list(rows)] = True
    return signal


def trade(outcome: Outcome, number: int = 0) -> dict[str, float]:
    """Return one trade by column name."""
    names = outcome.trades._fields
    return {name: getattr(outcome.trades, name)[number].item() for name in names}


def cents(*values: float) -> object:
    """Return values that are met to half a cent."""
    return pytest.approx(values if len(values) > 1 else values[0], abs=0.005)


def test_a_round_trip_by_hand() -> None:
    """Commission 10 bps, slippage 50 bps, $10,000.

    Signal at the close of row 0; bought on row 1 at 100 * 1.005 = 100.50, which with commission costs
    100.50 * 1.001 = 100.6005 a share: 10,000 / 100.6005 = 99.403084 shares. Their value is
    10,000 / 1.001 = 9,990.01, the commission the 9.99 left over.
    Signal at the close of row 2; sold on row 3 at 110 * 0.995 = 109.45: 99.403084 * 109.45 = 10,879.67,
    commission 10.88, cash 10,868.79. Profit 10,879.67 - 9,990.01 - 9.99 - 10.88 = 868.79.
    Marks: 99.403084 * 103 = 10,238.52 and * 109 = 10,834.94. The worst price seen is row 1's low
    (99 / 100.5 - 1 = -1.4925%), the best row 2's high (110 / 100.5 - 1 = 9.4527%): row 3 was left at
    its open, before its 90 and its 130.
    Buy and hold buys the same 99.403084 shares on row 1: at 110 they are worth 10,934.34.
    """
    bars = daily_bars(
        DAYS[:5],
        [101, 103, 109, 112, 110],
        open=[100, 100, 104, 110, 111],
        high=[102, 104, 110, 130, 112],
        low=[99, 99, 103, 90, 109],
    )
    costs = Costs(cash=10_000, commission_bps=10, slippage_bps=50)
    outcome = simulate(bars, Actions.none(), at(5, 0), at(5, 2), costs)
    only = trade(outcome)
    assert outcome.trades.total == 1
    assert (only["signal_row"], only["entry_row"], only["exit_row"], only["bars_held"]) == (0, 1, 3, 2)
    assert only["quantity"] == pytest.approx(99.403084, abs=5e-7)
    assert (only["entry_price"], only["exit_price"]) == pytest.approx((100.50, 109.45))
    assert (only["commission"], only["profit"], only["dividends"]) == cents(20.87, 868.79, 0)
    assert outcome.return_pct == pytest.approx([8.6879], abs=5e-5)
    assert (only["mae_pct"], only["mfe_pct"]) == pytest.approx((-1.4925, 9.4527), abs=5e-5)
    assert outcome.curve.equity == cents(10_000, 10_238.52, 10_834.94, 10_868.79, 10_868.79)
    assert outcome.curve.cash == cents(10_000, 0, 0, 10_868.79, 10_868.79)
    assert outcome.curve.position_value == cents(0, 10_238.52, 10_834.94, 0, 0)
    assert outcome.curve.buy_and_hold[-1] == cents(10_934.34)


def test_a_split_and_dividends_while_holding_by_hand() -> None:
    """Commission 20 bps, no slippage, $10,020.

    Row 1: dividend of 0.50, but nothing was held at the close before. Bought at 50: 10,020 / (50 * 1.002)
    = 200 shares for 10,000, commission 20. Marked at 51: 10,200.
    Row 2: dividend 0.30 on 200 shares = 60. Marked at 50.50: 10,100 + 60 = 10,160.
    Row 3: 2:1 split, 400 shares, and on the same date a dividend of 0.10 a new share = 40. Marked at 26:
    10,400 + 100 = 10,500. Row 4 at 26.50: 10,600 + 100 = 10,700.
    Row 5: dividend 0.05 on the 400 shares of the close before = 20, then sold at the open of 27: 10,800,
    commission 21.60. Cash 120 + 10,800 - 21.60 = 10,898.40.
    Profit 10,800 - 10,000 - 20 - 21.60 = 758.40, dividends 120: together the 878.40 gained.
    In terms of the purchase the lows are 49.50, 50, 50.40, 51.80 and the highs 51.50, 52, 53.20, 53.60,
    the sale is at 54: worst -1%, best 8%.
    """
    bars = daily_bars(
        DAYS[:6],
        [50, 51, 50.5, 26, 26.5, 27.5],
        open=[50, 50, 51, 25.5, 26, 27],
        high=[51, 51.5, 52, 26.6, 26.8, 29],
        low=[49, 49.5, 50, 25.2, 25.9, 20],
    )
    moves = actions(
        splits=[(DAYS[3], 2.0)],
        dividends=[(DAYS[1], 0.5), (DAYS[2], 0.3), (DAYS[3], 0.1), (DAYS[5], 0.05)],
    )
    costs = Costs(cash=10_020, commission_bps=20, slippage_bps=0)
    outcome = simulate(bars, moves, at(6, 0), at(6, 4), costs)
    only = trade(outcome)
    assert (only["quantity"], only["split_ratio"]) == pytest.approx((200, 2))
    assert (only["commission"], only["dividends"], only["profit"]) == cents(41.60, 120, 758.40)
    assert (only["mae_pct"], only["mfe_pct"]) == pytest.approx((-1, 8))
    assert outcome.curve.equity == cents(10_020, 10_200, 10_160, 10_500, 10_700, 10_898.40)
    assert outcome.curve.cash == cents(10_020, 0, 60, 100, 100, 10_898.40)


def test_a_conflict_a_second_entry_and_an_open_end_by_hand() -> None:
    """Commission 1%, slippage 1%, $10,201.

    Row 0 says buy and sell: sell only, and there is nothing to sell. Row 1 says buy: on row 2 at
    100 * 1.01 = 101, with commission 102.01 a share: 100 shares, commission 101.
    Row 3 says both again: sold on row 4 at 120 * 0.99 = 118.80: 11,880, commission 118.80, cash 11,761.20,
    profit 11,880 - 10,100 - 101 - 118.80 = 1,560.20; not bought back on that open.
    Row 4 says buy: on row 5 at 110 * 1.01 = 111.10, with commission 112.211 a share:
    11,761.20 / 112.211 = 104.813254 shares, commission 104.813254 * 1.111 = 116.45.
    Marked at 112: 11,739.08; the last bar, row 6, at 108: 11,319.83. Its signal to sell has no next open.
    The open trade is marked without costs of leaving: 11,319.83 - 11,644.75 - 116.45 = -441.37.
    """
    bars = daily_bars(DAYS[:7], [100, 100, 105, 118, 116, 112, 108], open=[100, 100, 100, 110, 120, 110, 111])
    costs = Costs(cash=10_201, commission_bps=100, slippage_bps=100)
    outcome = simulate(bars, Actions.none(), at(7, 0, 1, 3, 4), at(7, 0, 3, 6), costs)
    first, second = trade(outcome, 0), trade(outcome, 1)
    assert outcome.trades.total == 2
    assert (first["entry_row"], first["exit_row"], second["entry_row"], second["exit_row"]) == (2, 4, 5, -1)
    assert (first["quantity"], first["commission"], first["profit"]) == cents(100, 219.80, 1560.20)
    assert second["quantity"] == pytest.approx(104.813254, abs=5e-7)
    assert (second["exit_price"], second["commission"], second["profit"]) == cents(108, 116.45, -441.37)
    assert (first["bars_held"], second["bars_held"]) == (2, 2)
    assert outcome.trades.is_open.tolist() == [False, True]
    expected = (10_201, 10_201, 10_500, 11_800, 11_761.20, 11_739.08, 11_319.83)
    assert outcome.curve.equity == cents(*expected)


def test_a_delayed_signal_fills_one_bar_later() -> None:
    bars = daily_bars(DAYS, [10, 11, 12, 13, 14, 15, 16, 17])
    now = simulate(bars, Actions.none(), at(8, 1), at(8, 4), FREE).trades
    later = simulate(bars, Actions.none(), at(8, 2), at(8, 5), FREE).trades
    assert (later.entry_row - now.entry_row).tolist() == [1]
    assert (later.exit_row - now.exit_row).tolist() == [1]


def test_a_fill_happens_after_the_bar_of_its_signal_has_closed() -> None:
    bars = daily_bars(DAYS, [10, 11, 12, 13, 14, 15, 16, 17])
    trades = simulate(bars, Actions.none(), at(8, 1), at(8, 4), FREE).trades
    assert (bars.ts[trades.entry_row] >= bars.closes_at[trades.signal_row]).all()
    assert (bars.ts[trades.entry_row] > bars.ts[trades.signal_row]).all()


@pytest.mark.parametrize("row", [1, 4])
def test_a_fill_before_its_signal_is_known_is_refused(row: int) -> None:
    bars = daily_bars(DAYS, [10, 11, 12, 13, 14, 15, 16, 17])
    closes_at = bars.closes_at.copy()
    closes_at[row] = bars.ts[row + 1] + np.timedelta64(1, "s")
    overlapping = replace(bars, closes_at=closes_at)
    with pytest.raises(BadInput, match=f"found {DAYS[row + 1]}.* before"):
        simulate(overlapping, Actions.none(), at(8, 1), at(8, 4), FREE)


def test_a_signal_of_the_last_bar_fills_nothing() -> None:
    bars = daily_bars(DAYS[:3], [10, 11, 12])
    assert simulate(bars, Actions.none(), at(3, 2), at(3), FREE).trades.total == 0


def test_an_entry_on_the_last_bar_is_reported_open() -> None:
    bars = daily_bars(DAYS[:3], [10, 11, 12], open=[10, 11, 11.5])
    outcome = simulate(bars, Actions.none(), at(3, 1), at(3), FREE)
    last = trade(outcome)
    assert (last["entry_row"], last["exit_row"], last["bars_held"]) == (2, -1, 1)
    assert outcome.curve.equity[-1] == cents(10_000 * 12 / 11.5)


def test_an_action_without_a_bar_takes_effect_on_the_next_one() -> None:
    """100 shares at 100; 2:1 on a day without a bar, then 1.00 a new share on another: 200 * 1 = 200."""
    days = [DAYS[0], DAYS[1], DAYS[4]]
    bars = daily_bars(days, [100, 100, 50])
    moves = actions(splits=[(DAYS[2], 2.0)], dividends=[(DAYS[3], 1.0)])
    outcome = simulate(bars, moves, at(3, 0), at(3), FREE)
    assert outcome.curve.equity == cents(10_000, 10_000, 10_200)


def test_a_dividend_before_a_split_that_share_a_bar_is_paid_on_the_old_shares() -> None:
    """100 shares at 100; 1.00 a share, then 2:1, both on days without a bar: 100 * 1 = 100."""
    days = [DAYS[0], DAYS[1], DAYS[4]]
    bars = daily_bars(days, [100, 100, 50])
    moves = actions(splits=[(DAYS[3], 2.0)], dividends=[(DAYS[2], 1.0)])
    outcome = simulate(bars, moves, at(3, 0), at(3), FREE)
    assert outcome.curve.equity == cents(10_000, 10_000, 10_100)
    assert outcome.curve.buy_and_hold == cents(10_000, 10_000, 10_100)


def test_actions_outside_the_bars_change_nothing() -> None:
    bars = daily_bars(DAYS[2:6], [10, 11, 12, 13])
    moves = actions(
        splits=[(DAYS[0], 3.0), (DAYS[7], 2.0)], dividends=[(DAYS[1], 5.0), (DAYS[2], 5.0), (DAYS[7], 5.0)]
    )
    with_them = simulate(bars, moves, at(4, 0), at(4), FREE)
    without = simulate(bars, Actions.none(), at(4, 0), at(4), FREE)
    assert with_them.curve.equity.tolist() == without.curve.equity.tolist()
    assert with_them.curve.buy_and_hold.tolist() == without.curve.buy_and_hold.tolist()


def test_a_reverse_split_leaves_equity_alone() -> None:
    bars = daily_bars(DAYS[:4], [10, 10, 100, 100])
    outcome = simulate(bars, actions(splits=[(DAYS[2], 0.1)]), at(4, 0), at(4), FREE)
    assert outcome.curve.equity == cents(10_000, 10_000, 10_000, 10_000)
    assert (trade(outcome)["mae_pct"], trade(outcome)["mfe_pct"]) == pytest.approx((0, 0))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_bars_to_fill_leave_the_cash_alone(count: int) -> None:
    bars = daily_bars(DAYS[:1], [10])[:count]
    moves = actions(splits=[(DAYS[0], 2.0)], dividends=[(DAYS[0], 1.0)])
    outcome = simulate(bars, moves, np.ones(count, dtype=bool), at(count), FREE)
    assert outcome.curve.equity.tolist() == [10_000.0] * count
    assert outcome.trades.total == 0


def test_signals_that_are_not_one_a_bar_are_refused() -> None:
    bars = daily_bars(DAYS[:3], [10, 11, 12])
    with pytest.raises(BadInput, match="expected leave to be 3 booleans, one a bar of AAPL, found 2"):
        simulate(bars, Actions.none(), at(3), at(2))
    with pytest.raises(BadInput, match=r"expected enter to be 3 booleans.*int64"):
        simulate(bars, Actions.none(), np.zeros(3, dtype=np.int64), at(3))


@pytest.mark.parametrize("name", ["cash", "commission_bps", "slippage_bps"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_costs_that_make_no_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(BadInput, match=f"expected {name}"):
        Costs(**{name: value})
