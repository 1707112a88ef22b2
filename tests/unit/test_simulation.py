import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from lake.errors import BadInput
from lake.market.aggregator import Aggregator
from lake.market.bars import VALUES, Bars, Floats
from lake.market.quality import check_values
from lake.market.sessions import calendar
from lake.sources.simulation import (
    Market,
    halted,
    history,
    next_session,
    profile,
    session_candles,
    session_minutes,
)

NEW_YORK, MUMBAI = calendar("XNYS"), calendar("XNSE")
DAY, HALF_DAY, FIRST = np.datetime64("2019-01-02"), np.datetime64("2018-11-23"), np.datetime64("2015-01-02")
SYMBOLS = ("AAPL", "MSFT", "IBM")
CALENDARS = dict.fromkeys(SYMBOLS, NEW_YORK)
USUAL, LIVELY = Market(), Market(halts=3.0)

_PRINT = """
import numpy as np, hashlib
from lake.market.sessions import calendar
from lake.sources.simulation import session_candles
names = {names}
days = dict.fromkeys(names, calendar("XNYS"))
made = session_candles(names, np.datetime64("2019-01-02"), {{"AAPL": 150.0}}, 7, days)
print(hashlib.sha256(made.close.tobytes() + made.volume.tobytes() + made.ts.tobytes()).hexdigest())
"""


def minutes(
    symbol: str = "AAPL", session: np.datetime64 = DAY, market: Market = USUAL, seed: int = 7
) -> Bars:
    return session_minutes(symbol, session, NEW_YORK, 100.0, seed, market)


def whole_days(count: int) -> list[Bars]:
    """Return the minutes of sessions of full length, without jumps and halts, all from one close."""
    days = NEW_YORK.sessions[NEW_YORK.ordinals(np.array([DAY]))[0] :][:count]
    made = [minutes("AAPL", day, Market(jumps=0, halts=0)) for day in days]
    return [bars for bars in made if len(bars) == 390]


def closing_returns(symbol: str, count: int = 120) -> Floats:
    days = NEW_YORK.sessions[NEW_YORK.ordinals(np.array([DAY]))[0] :][:count]
    return np.array([np.log(minutes(symbol, day).close[-1] / 100.0) for day in days])


def test_the_same_seed_gives_the_same_candles_in_any_order_and_company() -> None:
    together = session_candles(SYMBOLS, DAY, {"AAPL": 150.0}, 7, CALENDARS)
    backwards = session_candles(SYMBOLS[::-1], DAY, {"AAPL": 150.0}, 7, CALENDARS)
    alone = session_candles(["AAPL"], DAY, {"AAPL": 150.0}, 7, CALENDARS)
    for name in ("symbol", "ts", *VALUES):
        assert np.array_equal(getattr(together, name), getattr(backwards, name))
        assert np.array_equal(getattr(together, name)[together.symbol == "AAPL"], getattr(alone, name))


def test_another_seed_gives_other_candles() -> None:
    assert not np.array_equal(minutes(seed=7).close, minutes(seed=8).close)


def test_neither_hash_seed_nor_time_zone_changes_a_candle() -> None:
    found = set()
    for names, hash_seed, zone in (
        (["AAPL", "IBM"], "1", "Asia/Tokyo"),
        (["IBM", "AAPL"], "2", "America/New_York"),
    ):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone}
        done = subprocess.run(
            [sys.executable, "-c", _PRINT.format(names=names)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_candles_are_in_order_of_time_and_then_of_symbol() -> None:
    made = session_candles(SYMBOLS, DAY, {}, 7, CALENDARS)
    rows = list(zip(made.ts.tolist(), made.symbol.tolist(), strict=True))
    assert rows == sorted(rows)
    assert len(set(rows)) == len(made)


def test_a_session_is_delivered_as_closed_candles_that_make_longer_bars() -> None:
    feed = session_candles(["AAPL"], DAY, {}, 7, CALENDARS).feed()
    aggregator = Aggregator("AAPL", NEW_YORK)
    for symbol, candle in feed:
        assert (symbol, candle.is_closed, candle.source) == ("AAPL", True, "simulated")
        aggregator.push(candle)
    again = aggregator.bars("1m")
    price = profile("AAPL", 7).price
    made = session_minutes("AAPL", DAY, NEW_YORK, price, 7)
    assert np.array_equal(again.ts, made.ts) and np.array_equal(again.close, made.close)
    assert aggregator.bars("30m").volume.sum() == made.volume.sum()


def test_each_symbol_goes_on_from_its_own_last_close() -> None:
    closes = {"AAPL": 50.0, "MSFT": 0.25, "IBM": 4000.0}
    made = session_candles(SYMBOLS, DAY, closes, 7, CALENDARS)
    for symbol, close in closes.items():
        first = made.open[made.symbol == symbol][0]
        assert abs(first / close - 1) < 0.05


@pytest.mark.parametrize(("session", "count"), [(DAY, 390), (HALF_DAY, 210)])
def test_a_session_is_as_long_as_the_calendar_says(session: np.datetime64, count: int) -> None:
    made = minutes(session=session, market=Market(halts=0))
    assert len(made) == count
    number = NEW_YORK.ordinals(np.array([session]))[0]
    assert (made.ts[0], made.closes_at[-1]) == (NEW_YORK.opens_at[number], NEW_YORK.closes_at[number])


def test_no_candle_starts_within_a_halt() -> None:
    stopped = halted("AAPL", DAY, 390, 7, LIVELY)
    slots = (
        (minutes(market=LIVELY).ts - minutes(market=Market(halts=0)).ts[0]) / np.timedelta64(1, "m")
    ).astype(int)
    assert stopped.sum() >= 5
    assert slots.tolist() == np.flatnonzero(~stopped).tolist()


def test_halts_are_occasional() -> None:
    days = NEW_YORK.sessions[-2000:]
    share = np.mean([halted("AAPL", day, 390, 7).any() for day in days])
    assert 0.003 < share < 0.03


@pytest.mark.parametrize("last_close", [0.0321, 0.87, 1.0, 100.0, 250_000.0])
def test_every_candle_passes_the_checks_and_lies_on_a_tick(last_close: float) -> None:
    made = session_minutes("AAPL", DAY, NEW_YORK, last_close, 7)
    verdict = check_values(made.open, made.high, made.low, made.close, made.volume)
    assert set(verdict.impossible) == set(verdict.note) == {""}
    digits = 2 if last_close >= 1 else 3 - int(np.floor(np.log10(last_close)))
    assert np.array_equal(np.round(made.close, digits), made.close)
    assert (made.volume >= 1).all() and np.array_equal(made.volume, np.round(made.volume))


def test_a_minute_opens_near_the_close_before() -> None:
    made = minutes(market=Market(jumps=0, halts=0))
    steps = np.abs(np.log(made.open[1:] / made.close[:-1]))
    spans = np.log(made.high / made.low)
    assert np.median(steps) < np.median(spans)
    assert steps.max() < 0.01


def test_the_open_and_the_close_move_and_trade_more_than_midday() -> None:
    days = whole_days(250)
    moves = np.array([np.diff(np.log(bars.close)) for bars in days]).std(axis=0)
    volume = np.mean([bars.volume for bars in days], axis=0)
    for busy in (moves, volume):
        assert busy[:20].mean() > 1.5 * busy[180:210].mean()
        assert busy[-20:].mean() > 1.5 * busy[180:210].mean()


def test_symbols_move_together_but_not_alike() -> None:
    one, other = closing_returns("AAPL"), closing_returns("MSFT")
    assert 0.1 < np.corrcoef(one, other)[0, 1] < 0.95


def test_sessions_open_with_a_gap() -> None:
    made = history("AAPL", FIRST, np.datetime64("2015-12-31"), NEW_YORK, 7, FIRST)
    gaps = np.array([np.log(b.open[0] / a.close[-1]) for a, b in pairwise(made)])
    inside = np.concatenate([np.log(bars.open[1:] / bars.close[:-1]) for bars in made])
    assert gaps.std() > 5 * inside.std()
    assert np.abs(gaps).max() < 0.1


def test_jumps_make_rare_minutes_that_stand_out() -> None:
    calm, jumpy = minutes(market=Market(jumps=0, halts=0)), minutes(market=Market(jumps=5, halts=0))
    assert np.abs(np.diff(np.log(jumpy.close))).max() > 2 * np.abs(np.diff(np.log(calm.close))).max()


def test_a_history_is_the_same_wherever_it_is_cut() -> None:
    end = np.datetime64("2015-03-31")
    whole = history("AAPL", FIRST, end, NEW_YORK, 7, FIRST)
    tail = history("AAPL", np.datetime64("2015-03-02"), end, NEW_YORK, 7, FIRST)
    assert [bars.close.tolist() for bars in whole[-len(tail) :]] == [bars.close.tolist() for bars in tail]
    assert abs(whole[0].open[0] / profile("AAPL", 7).price - 1) < 0.05


def test_a_simulation_goes_on_at_the_first_session_after_the_latest_bar_of_any_symbol() -> None:
    latest = {"AAPL": np.datetime64("2018-12-20"), "IBM": np.datetime64("2018-12-24")}
    assert str(next_session(latest, CALENDARS)) == "2018-12-26"


def test_symbols_of_several_exchanges_share_their_first_common_session() -> None:
    # The 26th of January 2015 is a holiday in Mumbai, the 19th one in New York.
    calendars = {"AAPL": NEW_YORK, "TCS": MUMBAI}
    on = {"AAPL": np.datetime64("2015-01-16"), "TCS": np.datetime64("2015-01-16")}
    assert str(next_session(on, calendars)) == "2015-01-20"
    assert str(next_session({**on, "TCS": np.datetime64("2015-01-23")}, calendars)) == "2015-01-27"


def test_what_cannot_be_simulated_is_refused() -> None:
    with pytest.raises(BadInput, match="closed that day"):
        minutes(session=np.datetime64("2019-01-05"))
    with pytest.raises(BadInput, match="positive last close"):
        session_minutes("AAPL", DAY, NEW_YORK, float("nan"), 7)
    with pytest.raises(BadInput, match="positive last close"):
        session_minutes("AAPL", DAY, NEW_YORK, float("inf"), 7)
    with pytest.raises(BadInput, match="symbols with bars"):
        next_session({}, {})
