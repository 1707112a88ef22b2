from pathlib import Path

import numpy as np
import pytest

from lake.errors import BadInput
from lake.market.aggregate import aggregated
from lake.market.bars import VALUES, Bars
from lake.market.candles import Candle, bars_of_candles
from lake.market.sessions import calendar
from tests.market import real_minutes

NEW_YORK = calendar("XNYS")
FILES = [
    ("google_AAPL_2016-04_05", "XNYS"),
    ("eqker_2019-02", "XNYS"),
    ("nse_JUNIORBEES", "XNSE"),
]
AGREEING = ("AMZN", "BK", "GLD", "JPM", "MU", "XLP")
"""Symbols whose recorded 15 minute bars come from the same revision as their minutes."""


def minutes_at(*starts: str, closed: bool = True) -> Bars:
    """Return minutes of XNYS whose close is their number, counted from 1; the last may be forming."""
    ts = [int(np.datetime64(start, "us").astype(int)) for start in starts]
    rows = [Candle("1m", moment, n, n + 0.5, n - 0.5, n, 100.0) for n, moment in enumerate(ts, start=1)]
    rows[-1] = rows[-1]._replace(is_closed=closed)
    return bars_of_candles("AAPL", "1m", np.datetime64("2019-01-02"), [m + 60_000_000 for m in ts], rows)


def starts(bars: Bars) -> list[str]:
    return [str(ts)[:16] for ts in bars.ts]


@pytest.mark.parametrize("timeframe", ["5m", "15m"])
@pytest.mark.parametrize(("name", "exchange"), FILES)
def test_longer_bars_of_real_minutes_equal_the_independent_ones_within_the_session(
    shared_data: Path, name: str, exchange: str, timeframe: str
) -> None:
    minutes = real_minutes(shared_data / "intraday" / "1m" / f"{name}.parquet", exchange)
    longer = real_minutes(shared_data / "intraday" / timeframe / f"{name}.parquet", exchange)
    days = calendar(exchange)
    assert minutes.keys() == longer.keys()
    for symbol, bars in minutes.items():
        made = aggregated(bars, timeframe, days)
        expected = longer[symbol]
        inside = np.isin(expected.session, days.sessions) & (
            expected.ts >= days.opens_at[days.ordinals(expected.session)]
        )
        inside &= expected.ts < days.closes_at[days.ordinals(expected.session)]
        expected = expected[inside]
        assert made.ts.tolist() == expected.ts.tolist()
        for column in VALUES:
            np.testing.assert_allclose(getattr(made, column), getattr(expected, column), rtol=1e-12)
        assert made.is_complete[:-1].all()


@pytest.mark.parametrize("symbol", AGREEING)
def test_longer_bars_of_real_minutes_equal_those_the_vendor_recorded(shared_data: Path, symbol: str) -> None:
    folder = shared_data / "intraday"
    minutes = real_minutes(folder / "1m" / "eqker_2019-02.parquet", "XNYS")[symbol]
    vendor = real_minutes(folder / "15m_vendor" / "eqker_2019-01_02.parquet", "XNYS")[symbol]
    made = aggregated(minutes, "15m", NEW_YORK)
    recorded = vendor[np.isin(vendor.ts, made.ts)]
    assert len(made) == len(recorded) == 130
    for column in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(made, column), getattr(recorded, column))
    assert (made.volume == recorded.volume).sum() >= 129


def test_the_opening_print_before_the_session_is_left_out(shared_data: Path) -> None:
    minutes = real_minutes(shared_data / "intraday" / "1m" / "google_AAPL_2016-04_05.parquet", "XNYS")["AAPL"]
    first = aggregated(minutes, "5m", NEW_YORK)[:1]
    assert str(minutes.ts[0]) == "2016-04-15T13:29:00.000000"
    assert starts(first) == ["2016-04-15T13:30"]
    assert first.open[0] == minutes.open[1]
    assert first.volume[0] == minutes.volume[1:6].sum()


def test_thirty_minute_bars_start_at_the_open_of_an_exchange_that_opens_at_a_quarter() -> None:
    bars = aggregated(
        minutes_at("2019-01-02T03:45", "2019-01-02T04:14", "2019-01-02T04:15"), "30m", calendar("XNSE")
    )
    assert starts(bars) == ["2019-01-02T03:45", "2019-01-02T04:15"]


def test_the_last_bar_of_a_session_is_cut_at_its_end() -> None:
    # 375 minutes from 03:45 make twelve and a half bars of thirty minutes.
    bars = aggregated(minutes_at("2019-01-02T09:59"), "30m", calendar("XNSE"))
    assert (starts(bars), str(bars.closes_at[0])[:16]) == (["2019-01-02T09:45"], "2019-01-02T10:00")
    assert bars.is_complete.all()


def test_a_half_day_ends_with_its_own_last_bar() -> None:
    bars = aggregated(minutes_at("2018-11-23T17:59", "2018-11-23T18:00", "2018-11-23T18:01"), "5m", NEW_YORK)
    assert starts(bars) == ["2018-11-23T17:55"]


def test_bars_start_at_the_open_on_both_sides_of_a_change_to_summer_time() -> None:
    bars = aggregated(minutes_at("2019-03-08T14:35", "2019-03-11T13:35"), "30m", NEW_YORK)
    assert starts(bars) == ["2019-03-08T14:30", "2019-03-11T13:30"]


def test_minutes_without_trades_make_no_bar() -> None:
    bars = aggregated(minutes_at("2019-01-02T14:30", "2019-01-02T14:52"), "5m", NEW_YORK)
    assert starts(bars) == ["2019-01-02T14:30", "2019-01-02T14:50"]


@pytest.mark.parametrize(
    ("last", "closed", "complete"),
    [
        ("2019-01-02T14:33", True, False),
        ("2019-01-02T14:34", True, True),
        ("2019-01-02T14:34", False, False),
    ],
)
def test_a_bar_is_complete_once_its_last_minute_has_closed(last: str, closed: bool, complete: bool) -> None:
    bars = aggregated(minutes_at("2019-01-02T14:30", last, closed=closed), "5m", NEW_YORK)
    assert bars.is_complete.tolist() == [complete]


def test_a_bar_is_complete_once_a_later_candle_has_begun() -> None:
    minutes = minutes_at("2019-01-02T14:30", "2019-01-02T14:35", closed=False)
    assert aggregated(minutes, "5m", NEW_YORK).is_complete.tolist() == [True, False]


def test_a_bar_is_complete_once_its_end_is_known_to_have_passed() -> None:
    until = np.datetime64("2019-01-02T14:35", "us")
    bars = aggregated(minutes_at("2019-01-02T14:30"), "5m", NEW_YORK, until)
    assert bars.is_complete.tolist() == [True]


def test_a_bar_of_a_suspect_minute_is_suspect() -> None:
    minutes = minutes_at("2019-01-02T14:30", "2019-01-02T14:31", "2019-01-02T14:35")
    minutes.is_suspect[1] = True
    assert aggregated(minutes, "5m", NEW_YORK).is_suspect.tolist() == [True, False]


def test_a_day_is_the_first_open_the_extremes_and_the_last_close_of_its_minutes() -> None:
    day = aggregated(minutes_at("2019-01-02T14:30", "2019-01-02T18:00", "2019-01-02T20:59"), "1d", NEW_YORK)
    assert (starts(day), str(day.closes_at[0])[:16]) == (["2019-01-02T00:00"], "2019-01-02T21:00")
    assert [float(getattr(day, name)[0]) for name in VALUES] == [1.0, 3.5, 0.5, 3.0, 300.0]


def test_no_minutes_make_no_bars() -> None:
    assert len(aggregated(minutes_at("2019-01-02T14:30")[:0], "5m", NEW_YORK)) == 0


def test_a_timeframe_that_minutes_do_not_make_is_refused() -> None:
    with pytest.raises(BadInput, match="found '1wk'"):
        aggregated(minutes_at("2019-01-02T14:30"), "1wk", NEW_YORK)
