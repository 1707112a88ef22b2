"""A worker that starts anew from a stored state remembers suspect bars and cases that its window lacks."""

from __future__ import annotations

import numpy as np
import pytest

from lake.alerts.alert import Alert
from lake.config import Settings
from lake.live.market import LiveMarket
from lake.live.restore import bring_states_forward, histories_of, restored_market
from lake.market.buckets import MINUTE
from lake.market.candles import Candle
from lake.market.sessions import calendar
from lake.rules.language import Rule, parse_rules
from lake.steps.alerts import history_alerts
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.reads import read_history
from lake.thresholds import read_thresholds
from tests.conftest import CHECKOUT
from tests.live import NOW, Feed, assert_same_alerts, confirmed, land, list_symbols, messages

LIMITS = read_thresholds(CHECKOUT / "conf")
EXCHANGES = {"CALM": "XNYS"}
SESSIONS = ("2019-07-09", "2019-07-10", "2019-07-11")
RULES = """
above:
  description: Holds on every bar, and needs two.
  timeframes: [1m]
  fires: {fires}
  severity: info
  bullish: "close > 0.5 * close[-1]"
"""


def calm_feed(spike_back: int) -> Feed:
    """Return three sessions of a calm price with a spike so many bars before the last one begins."""
    days, random, price = calendar("XNYS"), np.random.default_rng(0), 30.0
    found: list[list[Candle]] = []
    for session in SESSIONS:
        number = int(np.searchsorted(days.sessions, np.datetime64(session)))
        opens, closes = (int(each[number].astype(np.int64)) for each in (days.opens_at, days.closes_at))
        found.append([])
        for ts in range(opens, closes, MINUTE):
            before, price = price, round(price * float(np.exp(random.normal(0, 0.001))), 2)
            high, low = max(before, price), min(before, price)
            found[-1].append(Candle("1m", ts, before, high, low, price, 100.0))
    last = found[1][-spike_back]
    found[1][-spike_back] = last._replace(high=last.close * 20, close=last.close * 12)
    return [("CALM", candle) for session in found for candle in session]


def batch(lake: Lake, rules: dict[str, Rule]) -> dict[str, Alert]:
    with connect(lake) as con:
        [(bars, actions)] = read_history(con, "1m", ["CALM"])
    assert bars.is_suspect.any()
    return {each.alert_id: each for each in history_alerts(list(rules.values()), bars, actions, NOW)}


@pytest.mark.parametrize("fires", ["on_change", "every_bar"])
@pytest.mark.parametrize("spike_back", [1, 2, 4])
def test_a_start_from_a_stored_state_raises_what_batch_does(
    settings: Settings, fires: str, spike_back: int
) -> None:
    rules = parse_rules(RULES.format(fires=fires))
    lake = list_symbols(settings, EXCHANGES)
    feed = calm_feed(spike_back)
    cut = len(feed) - len(feed) // 3 + 1  # after the first bar of the last session
    market, alerts = LiveMarket(rules, EXCHANGES, LIMITS), list[Alert]()

    def play(part: Feed) -> None:
        for message in messages(part, 30):
            taken = market.take(message, NOW)
            land(lake, taken, EXCHANGES)
            alerts.extend(taken.alerts)

    play(feed[:cut])
    assert bring_states_forward(lake, rules, EXCHANGES, LIMITS, NOW) == 1
    with connect(lake) as con:
        history = histories_of(con, rules, ["CALM"])["CALM"]
        assert len(history.bars["1m"]) < 10 and "1m" in history.carried
        market = restored_market(con, rules, LIMITS, NOW)
    play(feed[cut:])
    assert_same_alerts(confirmed(alerts), batch(lake, rules))
