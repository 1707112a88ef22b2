"""Alerts made from bars by hand: identity, side, values, reason, and what keeps them away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from lake.alerts.alert import Alert, decode, encode
from lake.alerts.detect import detect
from lake.features.indicator import Column
from lake.levels.batch import find
from lake.levels.level import Event
from lake.levels.registry import methods
from lake.market.bars import Bars
from lake.rules.identity import alert_id, rule_version
from lake.rules.language import Rule, parse_rules
from tests.builders import daily_bars, sessions
from tests.levels import Planted, flat_atr, shaped

NOW = datetime(2024, 2, 1, tzinfo=UTC)
HEAD = "  description: What it is.\n  timeframes: [1d]\n  severity: warning\n"


def rule(text: str, fires: str = "every_bar", message: str = "") -> Rule:
    """Return a rule called seen of sides or levels given as YAML."""
    lines = "".join(f"  {line}\n" for line in text.splitlines())
    told = f"  message: {message!r}\n" if message else ""
    return parse_rules(f"seen:\n{HEAD}  fires: {fires}\n{told}{lines}")["seen"]


def bars_of(closes: Sequence[float], **values: Sequence[float]) -> Bars:
    return daily_bars(sessions("2024-01-02", len(closes)), closes, **values)


def alerts(
    one: Rule,
    bars: Bars,
    columns: dict[str, Column] | None = None,
    events: Sequence[Event] = (),
    splits: Sequence[float] | None = None,
    first: int = 0,
) -> list[Alert]:
    later = np.ones(len(bars)) if splits is None else np.array(splits, dtype=float)
    at = events if one.levels else ()
    return detect([one], bars, columns or {}, at, later, first, "batch", NOW)


def test_an_alert_has_its_identity_values_and_reason() -> None:
    one = rule(
        "precedence: [bearish, bullish]\nbearish: close < 1\n"
        "bullish: {any: [close > 11, 'sma_7 > close[-1]']}",
        message="{symbol} {side} at {price}, mean {sma_7:.1f}, RSI {rsi_7:.0f}, closed {closes_at}",
    )
    columns = {"sma_7": np.array([np.nan, 9.0, 10.44]), "rsi_7": np.array([np.nan, 40.0, 61.2])}
    [found] = alerts(one, bars_of([10.0, 10.5, 12.0]), columns)
    ts = datetime(2024, 1, 4, tzinfo=UTC)
    version = rule_version(one)
    assert found == Alert(
        alert_id("seen", version, "bullish", "AAPL", "1d", ts), "seen", version, "bullish", "AAPL", "1d",
        ts, ts.replace(hour=21), "bullish", 12.0, "warning", "confirmed", None,
        {"close": 12.0, "sma_7": 10.44, "close[-1]": 10.5},
        "AAPL bullish at 12, mean 10.4, RSI 61, closed 2024-01-04 21:00 UTC", "batch", NOW,
    )  # fmt: skip
    assert decode(encode(found)) == found


def test_without_a_message_the_reason_is_the_description() -> None:
    assert [each.reason for each in alerts(rule("bullish: close > 11"), bars_of([10.0, 12.0]))] == [
        "What it is."
    ]


def test_a_value_that_is_missing_is_no_error_and_is_left_out() -> None:
    one = rule("bullish: {any: [close > 11, close > sma_7]}", message="{symbol} {sma_7:.2f}")
    [found] = alerts(one, bars_of([10.0, 12.0]), {"sma_7": np.full(2, np.nan)})
    assert found.values == {"close": 12.0}
    assert found.reason == "AAPL nan"


def test_values_are_in_the_terms_of_the_bar_and_the_price_as_traded() -> None:
    """The first two bars came before a split of 2: their split-basis prices are halves."""
    one = rule("bullish: {all: ['close > close[-1]', rsi_7 > 50, volume > 10]}")
    columns = {"rsi_7": np.full(4, 60.0)}
    bars = bars_of([10.0, 11.0, 11.5, 12.0], volume=[2000.0, 2000.0, 1000.0, 1000.0])
    found = alerts(one, bars, columns, splits=[2, 2, 1, 1])
    assert [each.price for each in found] == [22.0, 11.5, 12.0]
    assert found[0].values == {"close": 22.0, "close[-1]": 20.0, "rsi_7": 60.0, "volume": 1000.0}
    assert found[1].values["close[-1]"] == 11.0


def test_alerts_stand_in_the_order_of_bars_then_of_rules() -> None:
    both = [rule("bullish: close > 11"), replace(rule("bearish: close > 10.4"), name="other")]
    found = detect(both, bars_of([10.0, 10.5, 12.0]), {}, {}, np.ones(3), 0, "stream", NOW)
    assert [(each.ts.day, each.rule, each.origin) for each in found] == [
        (3, "other", "stream"), (4, "seen", "stream"), (4, "other", "stream"),
    ]  # fmt: skip


def test_only_rows_from_the_first_asked_for_are_told_all_are_seen() -> None:
    one = rule("bullish: close > 10.4", "on_change")
    bars = bars_of([10.0, 10.5, 10.6, 10.0, 11.0])
    assert [each.ts.day for each in alerts(one, bars)] == [3, 8]
    assert [each.ts.day for each in alerts(one, bars, first=2)] == [8]
    assert alerts(one, bars, first=5) == []


def test_suspect_bars_raise_nothing_nor_do_four_clean_ones_after_them() -> None:
    bars = bars_of([10.0, *[12.0] * 7])
    suspect = replace(bars, is_suspect=np.arange(8) == 2)
    assert [each.ts.day for each in alerts(rule("bullish: close > 11"), suspect)] == [3, 11]


TOUCHED = shaped((100, 100, 100), (108, 106, 107), (107, 100.5, 100.5), (108, 98.5, 98.5))
"""A support at 100 from the second bar on; the third bar touches it, the fourth closes beyond it."""


def level_events(method: str = "fractal") -> list[Event]:
    """Return events at the planted level as if a registered method had found it."""
    found = find(TOUCHED, flat_atr(TOUCHED), {"planted": Planted}).events
    return [event._replace(method=method) for event in found]


def level_rule(event: str, when: str = "", message: str = "") -> Rule:
    condition = f", when: {when!r}" if when else ""
    return rule(f"levels: {{event: {event}, methods: [fractal]{condition}}}", message=message)


def at_levels(one: Rule, **changes: object) -> list[Alert]:
    columns: dict[str, Column] = {"atr_14": flat_atr(TOUCHED), "sma_7": np.full(4, 105.0)}
    return alerts(one, TOUCHED, columns, level_events(), **changes)  # type: ignore[arg-type]


def test_each_event_at_a_level_is_an_alert_with_the_levels_facts() -> None:
    touch, broken = level_events()
    assert (touch.event, broken.event) == ("touch", "break")
    [found] = at_levels(level_rule("touch", message="{symbol}: {event} of {kind} {level:.2f} by {tolerance}"))
    assert (found.variant, found.level_id, found.side) == (touch.level_id, touch.level_id, "neutral")
    assert found.values == {
        "level": 100.0,
        "level_confirmed_at": touch.confirmed_at / 1e6,
        "tolerance": 1.0,
        "close": 100.5,
    }
    assert datetime.fromtimestamp(touch.confirmed_at / 1e6, UTC) == datetime(2024, 1, 2, 21, tzinfo=UTC)
    assert found.reason == "AAPL: touch of support 100.00 by 1"
    [found] = at_levels(level_rule("break"))
    assert (found.level_id, found.side, found.price) == (broken.level_id, "bearish", 98.5)
    assert at_levels(level_rule("bounce")) == []


def test_the_condition_of_a_level_rule_has_to_hold_too() -> None:
    assert at_levels(level_rule("touch", "close > sma_7")) == []
    [found] = at_levels(level_rule("touch", "close < sma_7"))
    assert found.values["sma_7"] == 105.0


def test_a_levels_price_is_in_the_terms_of_its_bar() -> None:
    [found] = at_levels(level_rule("touch"), splits=[3, 3, 3, 1])
    assert (found.values["level"], found.values["tolerance"], found.price) == (300.0, 3.0, 301.5)


def test_events_on_suspect_bars_raise_nothing() -> None:
    bars = replace(TOUCHED, is_suspect=np.arange(4) == 1)
    one = level_rule("touch")
    assert alerts(one, bars, {"atr_14": flat_atr(bars)}, level_events()) == []


@pytest.mark.parametrize("name", ["fractal", "pivot"])
def test_methods_are_those_that_the_rule_names(name: str) -> None:
    assert name in methods()
    one = rule(f"levels: {{event: touch, methods: [{name}]}}")
    found = detect(
        [one],
        TOUCHED,
        {"atr_14": flat_atr(TOUCHED)},
        level_events("pivot"),
        np.ones(4),
        0,
        "batch",
        NOW,
    )
    assert len(found) == (name == "pivot")
