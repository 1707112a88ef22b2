import numpy as np
import pytest

from lake.market.bars import Bars
from lake.market.sessions import calendar
from lake.training.labels import Labels, forward_returns, last_ends_at, opens_at
from tests.builders import actions, daily_bars, sessions

DAYS = sessions("2012-01-03", 6)


def bars_of(opens: list[float], closes: list[float] | None = None) -> Bars:
    return daily_bars(DAYS[: len(opens)], closes or opens, open=opens)


def label(bars: Bars, horizon: int = 1, **events: list[tuple[str, float]]) -> Labels:
    opens = opens_at(bars, calendar("XNYS"))
    return forward_returns(bars, actions(**events), opens, [horizon])[0]


def test_a_label_runs_from_the_next_open_to_the_open_h_bars_later() -> None:
    bars = bars_of([100.0, 110.0, 121.0, 100.0, 50.0])
    assert label(bars).value[:3] == pytest.approx([0.1, 100 / 121 - 1, -0.5])
    assert label(bars, horizon=2).value[:2] == pytest.approx([100 / 110 - 1, 50 / 121 - 1])


def test_the_last_bars_have_no_label() -> None:
    bars = bars_of([100.0, 110.0, 121.0, 100.0, 50.0])
    assert np.isnan(label(bars, horizon=2).value).tolist() == [False, False, True, True, True]
    assert np.isnan(label(bars, horizon=20).value).all()


def test_a_label_says_when_it_starts_and_ends() -> None:
    one = label(bars_of([100.0, 110.0, 121.0, 100.0]), horizon=2)
    assert one.opens_at[0] == np.datetime64("2012-01-04T14:30")
    assert one.ends_at[0] == np.datetime64("2012-01-06T14:30")
    assert np.isnat(one.ends_at[1:]).all()


def test_a_weekly_bar_opens_with_its_first_session() -> None:
    # 2012-01-02 was a holiday, a Monday.
    daily = bars_of([100.0])
    weekly = Bars(**{name: getattr(daily, name) for name in daily.__slots__} | {"timeframe": "1wk"})
    monday = np.array(["2012-01-02"], dtype="datetime64[us]")
    weekly = Bars(**{name: getattr(weekly, name) for name in weekly.__slots__} | {"ts": monday})
    assert opens_at(weekly, calendar("XNYS"))[0] == np.datetime64("2012-01-03T14:30")


def test_a_split_inside_the_span_is_no_loss() -> None:
    bars = bars_of([100.0, 100.0, 50.0, 50.0])
    assert label(bars, splits=[(DAYS[2], 2.0)]).value[0] == pytest.approx(0.0)


def test_a_dividend_inside_the_span_is_part_of_the_return() -> None:
    # Bought at 100, ex-date 2% after a close of 100: 98 and the dividend are worth 100.
    bars = bars_of([100.0, 100.0, 98.0, 98.0], [100.0, 100.0, 98.0, 98.0])
    paid = label(bars, dividends=[(DAYS[2], 2.0)])
    assert paid.value[0] == pytest.approx(98.0 / (100.0 * 0.98) - 1)
    assert paid.value[0] == pytest.approx(0.0)


def test_who_buys_on_the_ex_date_gets_no_dividend_and_who_sells_on_it_does() -> None:
    bars = bars_of([100.0] * 5)
    on_entry = label(bars, horizon=2, dividends=[(DAYS[1], 2.0)])
    on_exit = label(bars, horizon=2, dividends=[(DAYS[3], 2.0)])
    assert on_entry.value[0] == pytest.approx(0.0)
    assert on_exit.value[0] == pytest.approx(1 / 0.98 - 1)


def test_no_label_crosses_a_suspect_bar() -> None:
    bars = bars_of([100.0, 101.0, 102.0, 103.0, 104.0, 105.0])
    bars.is_suspect[3] = True
    assert np.isnan(label(bars).value).tolist() == [False, True, True, False, True, True]
    assert np.isnan(label(bars, horizon=2).value).tolist() == [True, True, True, True, True, True]


def test_the_last_end_is_that_of_the_longest_label_there_is() -> None:
    bars = bars_of([100.0, 101.0, 102.0, 103.0])
    labels = forward_returns(bars, actions(), opens_at(bars, calendar("XNYS")), [1, 2])
    ends = last_ends_at(labels)
    assert ends[:2].tolist() == [labels[1].ends_at[0].item(), labels[0].ends_at[1].item()]
    assert np.isnat(ends[2:]).all()
