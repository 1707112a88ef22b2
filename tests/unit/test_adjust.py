import numpy as np
import pytest

from lake.market.adjust import adjusted, split_factor
from tests.builders import actions, daily_bars, sessions

DAYS = sessions("2012-01-03", 4)


def test_a_split_divides_earlier_prices_and_multiplies_their_volume() -> None:
    bars = daily_bars(DAYS, [100.0, 102.0, 51.0, 52.0])
    split = adjusted(bars, actions(splits=[(DAYS[2], 2.0)]), "split")
    assert split.close.tolist() == [50.0, 51.0, 51.0, 52.0]
    assert split.volume.tolist() == [2000.0, 2000.0, 1000.0, 1000.0]


def test_a_dividend_lowers_earlier_prices_by_its_share_of_the_close_before() -> None:
    bars = daily_bars(DAYS, [100.0, 100.0, 98.0, 98.0])
    total = adjusted(bars, actions(dividends=[(DAYS[2], 2.0)]), "total")
    assert total.close == pytest.approx([98.0, 98.0, 98.0, 98.0])
    assert total.volume.tolist() == bars.volume.tolist()


def test_a_dividend_on_a_split_date_is_paid_on_the_new_shares() -> None:
    bars = daily_bars(DAYS, [100.0, 100.0, 49.0, 49.0])
    both = actions(splits=[(DAYS[2], 2.0)], dividends=[(DAYS[2], 1.0)])
    assert adjusted(bars, both, "total").close == pytest.approx([49.0, 49.0, 49.0, 49.0])


def test_an_action_after_the_last_bar_changes_nothing_yet() -> None:
    bars = daily_bars(DAYS, [100.0, 101.0, 102.0, 103.0])
    announced = actions(splits=[("2012-02-01", 7.0)], dividends=[("2012-02-01", 1.0)])
    for basis in ("split", "total"):
        assert adjusted(bars, announced, basis).close.tolist() == bars.close.tolist()


def test_an_ex_date_without_a_session_takes_effect_on_the_next_bar() -> None:
    saturday = np.array(["2012-01-06", "2012-01-09"], dtype="datetime64[D]")
    factor = split_factor(saturday, actions(splits=[("2012-01-07", 4.0)]))
    assert factor.tolist() == [4.0, 1.0]


def test_empty_bars_stay_empty() -> None:
    assert len(adjusted(daily_bars([], []), actions(splits=[("2012-01-07", 4.0)]), "total")) == 0
