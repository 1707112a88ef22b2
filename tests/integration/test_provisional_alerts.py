"""Alerts of bars that are forming: raised once where a rule allows it, then confirmed or invalidated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lake.alerts.alert import Alert
from lake.alerts.keep import keep
from lake.config import Settings
from lake.errors import BadConfiguration
from lake.live.history import History
from lake.live.market import LiveMarket, Taken
from lake.live.restore import restored_market
from lake.market.buckets import MINUTE
from lake.market.candles import Candle
from lake.rules.identity import rule_version
from lake.rules.language import parse_rules, read_rules
from lake.steps.alerts import raise_alerts
from lake.store.catalog import connect
from lake.thresholds import read_thresholds
from tests.conftest import CHECKOUT
from tests.live import NOW, confirmed, land, list_symbols, messages, real_feed
from tests.unit.test_live_market import NEXT, OPEN, minute

LIMITS = read_thresholds(CHECKOUT / "conf")
TEXT = """
above:
  description: The close is above 11.
  timeframes: [5m]
  fires: every_bar
  severity: info
  provisional: true
  bullish: close > 11
quiet:
  description: The same, at the close only.
  timeframes: [5m]
  fires: on_change
  severity: info
  bullish: close > 11
"""
RULES = parse_rules(TEXT)


def market() -> LiveMarket:
    return LiveMarket(RULES, {"AAPL": "XNYS"}, LIMITS)


def take(live: LiveMarket, *candles: Candle) -> Taken:
    return live.take([("AAPL", candle) for candle in candles], NOW)


def told(taken: Taken) -> list[tuple[str, str, str]]:
    return [(each.rule, f"{each.ts:%H:%M}", each.status) for each in taken.alerts]


def test_a_forming_bar_raises_once_and_its_close_confirms_the_same_alert() -> None:
    live = market()
    assert told(take(live, minute(0, 10.5))) == []
    [early] = take(live, minute(1, 11.5)).alerts
    assert (early.rule, early.status, early.price, early.origin) == ("above", "provisional", 11.5, "stream")
    assert told(take(live, minute(2, 11.7))) == []  # it is said already
    assert told(take(live, minute(3, 10.5))) == []  # the close decides
    closed = take(live, minute(4, 11.2))
    assert told(closed) == [("above", "14:30", "confirmed"), ("quiet", "14:30", "confirmed")]
    assert closed.alerts[0].alert_id == early.alert_id


def test_the_close_invalidates_what_does_not_fire_on_the_bar() -> None:
    live = market()
    [early] = take(live, minute(1, 11.5)).alerts
    [taken_back] = take(live, minute(4, 10.5)).alerts
    assert taken_back == early.invalidated("stream", NOW)
    assert told(take(live, minute(5, 10.5), minute(9, 10.5))) == []


def test_a_candle_that_is_forming_itself_counts_and_is_not_landed() -> None:
    live = market()
    taken = take(live, minute(0, 11.5, is_closed=False))
    assert (told(taken), taken.bars) == ([("above", "14:30", "provisional")], [])


def test_the_first_bar_of_a_session_and_one_that_a_session_ends_in() -> None:
    live = market()
    take(live, *(minute(number, 10.5) for number in range(5)), minute(388, 11.5))
    assert told(take(live, minute(0, 11.5, NEXT))) == [
        ("above", "20:55", "confirmed"),
        ("quiet", "20:55", "confirmed"),
        ("above", "14:30", "provisional"),
    ]
    assert told(take(live, minute(4, 10.5, NEXT))) == [("above", "14:30", "invalidated")]


def test_a_restart_knows_what_waits_for_its_close() -> None:
    first = market()
    [early] = take(first, minute(0, 11.5)).alerts
    history = {"AAPL": History(provisional=(early,))}
    again = LiveMarket.restored(RULES, {"AAPL": "XNYS"}, LIMITS, history, NOW)
    assert told(take(again, minute(0, 11.5), minute(1, 11.6))) == []
    assert told(take(again, minute(4, 10.5))) == [("above", "14:30", "invalidated")]


def test_states_are_as_if_nobody_had_looked(shared_data: Path) -> None:
    """Every rule on forming bars, levels of every method: what closes is the same, in the same order."""
    feed = real_feed(shared_data / "intraday" / "1m" / "google_AAPL_2016-04_05.parquet", "XNYS")[:1_000]
    levels = """
touches:
  description: All methods.
  timeframes: [15m]
  fires: every_bar
  severity: info
  levels: {event: touch, methods: [fractal, pivot, cluster, volume_profile, fibonacci]}
stars:
  description: Columns by streams, sums and steps.
  timeframes: [5m]
  fires: on_change
  severity: info
  bullish: {any: [cdl_hammer > 0, all: [obv > 0, supertrend < close, stoch_k > 60]]}
"""
    rules = read_rules(CHECKOUT / "conf") | parse_rules(levels)
    early = {name: replace(rule, is_provisional=True) for name, rule in rules.items()}
    found: list[list[Alert]] = []
    for each in (rules, early):
        live, alerts = LiveMarket(each, {"AAPL": "XNYS"}, LIMITS), list[Alert]()
        for message in messages(feed, 3):
            alerts += live.take(message, NOW).alerts
        found.append(alerts)
    plain, looked = found
    assert [alert for alert in looked if alert.status == "confirmed"] == plain
    said = {alert.alert_id for alert in looked if alert.status == "provisional"}
    assert len(said) > 50
    last = {alert.alert_id: alert.status for alert in looked}
    assert {last[key] for key in said} == {"confirmed", "invalidated"}
    assert {key for key in said if last[key] == "confirmed"} <= confirmed(plain).keys()


def test_batch_settles_what_the_stream_left_provisional(settings: Settings) -> None:
    lake = list_symbols(settings, {"AAPL": "XNYS"})
    live = restored_market(connect(lake), RULES, LIMITS, NOW)
    taken = take(live, minute(0, 11.5))
    keep(lake, taken.alerts, NOW)
    land(lake, taken, {"AAPL": "XNYS"})
    [waiting] = connect(lake).execute("SELECT alert_id, status FROM alerts").fetchall()
    again = restored_market(connect(lake), RULES, LIMITS, NOW)
    keep(lake, take(again, minute(4, 10.5)).alerts, NOW)
    assert connect(lake).execute("SELECT alert_id, status, revision FROM alerts").fetchall() == [
        (waiting[0], "invalidated", 2)
    ]


def test_batch_invalidates_a_provisional_alert_of_a_rule_that_is_gone_from_the_stream(
    settings: Settings,
) -> None:
    lake = list_symbols(settings, {"AAPL": "XNYS"})
    rule = read_rules(settings.conf_folder)["hammer"]
    rules = {"hammer": replace(rule, is_provisional=True)}
    live = LiveMarket(rules, {"AAPL": "XNYS"}, LIMITS)
    hammer = Candle("1m", OPEN, 10.0, 10.01, 9.0, 10.02, 100.0, source="files")
    calm = minute(-1, 10.0, OPEN + MINUTE)._replace(ts=OPEN + 4 * MINUTE, low=8.9, close=9.0)
    taken = take(live, hammer)
    assert {alert.status for alert in taken.alerts} == {"provisional"}
    keep(lake, taken.alerts, NOW)
    land(lake, take(live, calm), {"AAPL": "XNYS"})  # whose alerts are lost
    raise_alerts(settings, timeframes=["5m"], now=NOW)
    rows = connect(lake).execute("SELECT status FROM alerts WHERE timeframe = '5m'").fetchall()
    assert rows == [("invalidated",)]


def test_the_key_is_true_or_false_and_no_part_of_the_version() -> None:
    plain = parse_rules(TEXT.replace("  provisional: true\n", ""))["above"]
    assert (RULES["above"].is_provisional, plain.is_provisional) == (True, False)
    assert rule_version(RULES["above"]) == rule_version(plain)
    with pytest.raises(BadConfiguration, match="line 7: expected one of true, false, found 'perhaps'"):
        parse_rules(TEXT.replace("true", "perhaps"))
