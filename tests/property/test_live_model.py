"""Live equals batch on random walks with faults, corrections, splits, restarts, in messages of any size."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.alerts.alert import Alert
from lake.live.history import History
from lake.live.market import LiveMarket, Taken
from lake.market.bars import Actions, Bars
from lake.market.buckets import MINUTE
from lake.market.candles import Candle, bars_of_candles
from lake.market.sessions import calendar
from lake.rules.language import parse_rules, read_rules, rules_for
from lake.sources.faults import Rates, with_faults
from lake.steps.alerts import history_alerts
from lake.thresholds import read_thresholds
from tests.builders import actions, daily_bars
from tests.conftest import CHECKOUT
from tests.live import LIVE, NOW, Feed, assert_same_alerts, confirmed, messages

DAYS = calendar("XNYS")
FIRST = int(np.searchsorted(DAYS.sessions, np.datetime64("2019-07-02")))  # a half day, then a holiday
LIMITS = read_thresholds(CHECKOUT / "conf")
MORE = """
look_back:
  description: Every kind of look-back, and a column without a twin.
  timeframes: [5m]
  fires: on_change
  severity: info
  message: "{symbol} {close:.2f}"
  precedence: [neutral, bearish, bullish]
  bullish: "count(close > open, 5)[-1] > 2"
  bearish: close < close[-3] for 2 bars
  neutral: {all: [stoch_k > 80, close crosses_above sma_7 within 3 bars, close > 30]}
minutes:
  description: On the candles themselves.
  timeframes: [1m]
  fires: on_change
  severity: info
  bullish: "close > open for 3 bars"
every_event:
  description: All methods.
  timeframes: [15m]
  fires: every_bar
  severity: info
  levels: {event: bounce, methods: [fractal, pivot, cluster, volume_profile, fibonacci], when: volume > 0}
high_there:
  description: For the rule below, which counts it.
  timeframes: [15m]
  fires: on_change
  severity: info
  neutral: close > 30 on 30m
across:
  description: Other timeframes, longer and shorter ones, in every kind of look-back.
  timeframes: [5m, 15m]
  fires: on_change
  severity: info
  precedence: [neutral, bearish, bullish]
  bullish: {all: [close > open, "close > close[-1] on 30m"]}
  bearish: {all: [close < sma_7, "close > open for 2 bars on 1m within 3 bars"]}
  neutral: "count(high_there.neutral, 4)[-1] > 1"
upwards:
  description: A longer timeframe that asks a shorter one.
  timeframes: [30m]
  fires: every_bar
  severity: info
  bullish: {not: hammer on 5m}
daily:
  description: Daily bars beside the stream.
  timeframes: [5m, 1m]
  fires: on_change
  severity: info
  precedence: [bearish, bullish]
  bullish: "close > close[-1] on 1d within 9 bars"
  bearish: "close < close[-1] on 1d"
otherwise:
  description: Other questions than those above to the same timeframes, and the same in another order.
  timeframes: [15m]
  fires: on_change
  severity: info
  precedence: [neutral, bullish, bearish]
  bullish: {all: ["close > sma_7 on 30m", "close > close[-1] on 30m"]}
  bearish: "close < close[-1] on 1d"
  neutral: {all: ["rsi_7 > 50 on 1d", "close > close[-1] on 1d"]}
at_a_level:
  description: A level with another timeframe.
  timeframes: [5m]
  fires: every_bar
  severity: info
  levels: {event: touch, methods: [fractal], when: close > open on 15m}
"""
RULES = read_rules(CHECKOUT / "conf") | parse_rules(MORE)
FRAMES = ("1m", *LIVE)


class World(NamedTuple):
    """A feed of some symbols, and the splits that take effect in it."""

    feed: Feed
    splits: dict[str, Actions]

    def __repr__(self) -> str:
        return f"World of {len(self.feed):,} candles, splits {self.splits}"  # all of them would be 88 kB


def world(seed: int, symbols: int, sessions: int, split: float) -> World:
    """Return random walks with gaps and jumps; the first symbol splits at its last session."""
    random = np.random.default_rng(seed)
    rows: list[tuple[int, str, Candle]] = []
    ex_date = str(DAYS.sessions[FIRST + sessions - 1])
    for number in range(symbols):
        price = float(random.uniform(5, 80))
        for session in range(FIRST, FIRST + sessions):
            if split != 1.0 and number == 0 and session == FIRST + sessions - 1:
                price /= split
            opens, closes = (int(each[session].astype(np.int64)) for each in (DAYS.opens_at, DAYS.closes_at))
            for ts in range(opens, closes, MINUTE):
                if random.random() < 0.1:
                    continue
                step = (
                    random.normal(0, 0.004)
                    if random.random() > 0.002
                    else np.log(random.choice([0.1, 0.5, 2.5]))
                )
                open_, price = price, round(price * float(np.exp(step)), 2) or 0.01
                high, low = (round(max(open_, price) * 1.002, 2), round(min(open_, price) * 0.998, 2))
                rows.append(
                    (
                        ts,
                        f"S{number}",
                        Candle(
                            "1m",
                            ts,
                            round(open_, 2),
                            max(high, open_),
                            min(low, round(open_, 2)),
                            price,
                            float(random.integers(0, 500)),
                        ),
                    )
                )
    rows.sort(key=lambda row: row[:2])
    own = {"S0": actions(splits=[(ex_date, split)])} if split != 1.0 else {}
    return World([(symbol, candle) for _, symbol, candle in rows], own)


class Landed:
    """The lake of a test: the last version of every bar that was landed."""

    def __init__(self, made: World) -> None:
        self.bars: dict[tuple[str, str], dict[int, tuple[Candle, int]]] = {}
        self.symbols = sorted({symbol for symbol, _ in made.feed})
        self.splits = made.splits

    def land(self, taken: Taken) -> None:
        for symbol, candle, ends in taken.bars:
            self.bars.setdefault((symbol, candle.timeframe), {})[candle.ts] = (candle, ends)

    def read(self, symbol: str, timeframe: str) -> Bars:
        rows = [
            self.bars.get((symbol, timeframe), {})[ts]
            for ts in sorted(self.bars.get((symbol, timeframe), {}))
        ]
        bars = bars_of_candles(
            symbol, timeframe, DAYS.sessions[0], [ends for _, ends in rows], [each for each, _ in rows]
        )
        number = np.searchsorted(DAYS.opens_at, bars.ts, side="right") - 1
        return replace(bars, session=DAYS.sessions[number])

    def market(self) -> LiveMarket:
        """Return the live market that is rebuilt from what was landed."""
        histories = {
            symbol: History(
                self.read(symbol, "1m"),
                (),
                {name: self.read(symbol, name) for name in FRAMES},
                self.actions(symbol),
            )
            for symbol in self.symbols
        }
        histories = {symbol: replace(each, longer=(daily(symbol),)) for symbol, each in histories.items()}
        return LiveMarket.restored(RULES, dict.fromkeys(self.symbols, "XNYS"), LIMITS, histories, NOW)

    def actions(self, symbol: str) -> Actions:
        return self.splits.get(symbol, Actions.none())

    def others(self, symbol: str) -> list[Bars]:
        return [daily(symbol), *(self.read(symbol, name) for name in FRAMES)]

    def batch(self) -> dict[str, Alert]:
        """Return what batch says of the landed bars."""
        return {
            alert.alert_id: alert
            for symbol in self.symbols
            for name in FRAMES
            for alert in history_alerts(
                rules_for(RULES, name),
                self.read(symbol, name),
                self.actions(symbol),
                NOW,
                self.others(symbol),
            )
        }


def daily(symbol: str) -> Bars:
    """Return daily bars of the sessions before a world and of its own, which no later fault changes."""
    closes = np.random.default_rng(len(symbol)).uniform(29, 31, 30)
    return daily_bars([str(day) for day in DAYS.sessions[FIRST - 26 : FIRST + 4]], closes.tolist(), symbol)


def of_one_session(feed: Feed, faulty: Feed) -> Feed:
    """Return a faulty feed without the candles that come after their session: those are left to batch."""
    newest: dict[str, int] = {}
    kept = []
    for symbol, candle in faulty:
        session = int(np.searchsorted(DAYS.opens_at.view(np.int64), candle.ts, side="right"))
        newest[symbol] = max(newest.get(symbol, 0), session)
        if session == newest[symbol]:
            kept.append((symbol, candle))
    return kept


def played(made: World, feed: Feed, size: int, restarts: set[int]) -> tuple[Landed, list[Alert]]:
    """Return what was landed and every version of the alerts of a feed in messages of some size."""
    landed = Landed(made)
    market, alerts = landed.market(), list[Alert]()
    for number, message in enumerate(messages(feed, size)):
        if number in restarts:
            market = landed.market()
        taken = market.take(message, NOW)
        landed.land(taken)
        alerts += taken.alerts
    for symbol, timeframe, ts in market.due(feed[-1][1].ts + 1_000 * MINUTE):
        taken = market.close(symbol, timeframe, ts, NOW)
        landed.land(taken)
        alerts += taken.alerts
    return landed, alerts


worlds = st.builds(
    world,
    seed=st.integers(0, 10_000),
    symbols=st.integers(1, 2),
    sessions=st.integers(2, 3),
    split=st.sampled_from([1.0, 1.0, 2.0, 0.2]),
)
rates = st.sampled_from(
    [Rates(), Rates(late=0.004, duplicate=0.01, out_of_order=0.02, corrected=0.004), Rates(out_of_order=0.2)]
)


@settings(max_examples=12)
@given(
    worlds,
    rates,
    st.integers(0, 99),
    st.sampled_from([1, 7, 60, 500]),
    st.sets(st.integers(1, 40), max_size=3),
)
def test_live_alerts_equal_those_of_batch_over_what_was_landed(
    made: World, faults: Rates, seed: int, size: int, restarts: set[int]
) -> None:
    feed = of_one_session(made.feed, with_faults(made.feed, faults, seed)[0])
    landed, alerts = played(made, feed, size, restarts)
    assert_same_alerts(confirmed(alerts), landed.batch())


@settings(max_examples=4)
@given(worlds, st.integers(0, 99), st.sampled_from([30, 400]))
def test_messages_do_not_matter(made: World, seed: int, size: int) -> None:
    """Every version is the same and, symbol by symbol, in the same order."""
    faults = Rates(late=0.004, duplicate=0.01, out_of_order=0.02, corrected=0.004)
    feed = of_one_session(made.feed, with_faults(made.feed, faults, seed)[0])
    one, other = (played(made, feed, each, set())[1] for each in (4, size))
    for symbol in {symbol for symbol, _ in feed}:
        for timeframe in FRAMES:
            first, second = (
                [alert for alert in alerts if (alert.symbol, alert.timeframe) == (symbol, timeframe)]
                for alerts in (one, other)
            )
            assert first == second
