"""Versions and ids: the same for the same meaning, another for another, by hand and for ever."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from lake.features.indicator import Indicator
from lake.features.registry import REGISTRY, build
from lake.rules.identity import alert_id, rule_version
from lake.rules.language import Rule, parse_rules, read_rules
from tests.conftest import CHECKOUT

TEXT = """\
turn:
  description: d
  timeframes: [1d]
  fires: on_change
  severity: info
  precedence: [bearish, bullish]
  bullish:
    all: [close > ema_169_upper, rsi_14 < 30]
  bearish: close < ema_13
"""


def parsed(old: str = "", new: str = "") -> Rule:
    return parse_rules(TEXT.replace(old, new) if old else TEXT)["turn"]


def test_the_version_is_the_hash_of_the_canonical_meaning() -> None:
    meaning = {
        "fires": "on_change",
        "cases": [
            ["bearish", "close < ema_13"],
            ["bullish", "all(close > ema_169_upper, rsi_14 < 30)"],
        ],
        "columns": {
            "ema_13": {"period": 13},
            "ema_169": {"period": 169},
            "ema_169_upper,ema_169_lower": {"pct": 5.0},
            "rsi_14": {"period": 14},
        },
    }
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    assert rule_version(parsed()) == hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("description: d", "description: Another."),
        ("[1d]", "[1d, 1wk]"),
        ("severity: info", "severity: critical\n  cooldown: 4h\n  message: '{symbol}'"),
        ("rsi_14 < 30", "rsi_14   <   30.0"),
        ("all: [close > ema_169_upper, rsi_14 < 30]", "all: [close > ema_169_upper, {all: [rsi_14 < 30]}]"),
        ("rsi_14 < 30", "{any: [rsi_14 < 30]}"),
        ("rsi_14 < 30", "rsi_14 < 30 for 1 bar"),
    ],
)
def test_wording_and_delivery_are_no_new_version(old: str, new: str) -> None:
    assert rule_version(parsed(old, new)) == rule_version(parsed())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("on_change", "every_bar"),
        ("rsi_14 < 30", "rsi_14 < 31"),
        ("rsi_14 < 30", "rsi_14 <= 30"),
        ("rsi_14 < 30", "rsi_14 < 30 for 2 bars"),
        ("rsi_14 < 30", "rsi_7 < 30"),
        ("all:", "any:"),
        ("[bearish, bullish]", "[bullish, bearish]"),
        ("bearish", "neutral"),
    ],
)
def test_another_meaning_is_another_version(old: str, new: str) -> None:
    assert rule_version(parsed(old, new)) != rule_version(parsed())


def test_another_parameter_of_a_column_or_of_its_input_is_another_version() -> None:
    def registry_with(column: str, **parameters: float) -> dict[str, list[Indicator]]:
        return {
            group: [
                replace(each, parameters={**each.parameters, **parameters})
                if column in each.columns
                else each
                for each in indicators
            ]
            for group, indicators in REGISTRY.groups.items()
        }

    versions = {
        rule_version(parsed(), build(registry_with(column, **parameters)))
        for column, parameters in [
            ("ema_7", {"period": 70}),  # the rule does not read it
            ("ema_169", {"period": 170}),
            ("ema_169_upper", {"pct": 6}),
            ("rsi_14", {"period": 15}),
        ]
    }
    assert len(versions) == 4
    assert rule_version(parsed()) in versions


def test_the_version_of_the_shipped_rule_is_known() -> None:
    """A change here makes every stored alert of the rule one of an older version: intend it."""
    assert rule_version(read_rules(CHECKOUT / "conf")["dual_channel"]) == "c73999652c6b"


def test_an_alert_id_is_the_hash_of_its_fields() -> None:
    text = "dual_channel\x1fabcdef012345\x1fbullish\x1fBRK.B\x1f13d\x1f2012-01-03T00:00:00Z"
    expected = hashlib.sha256(text.encode()).hexdigest()
    for ts in (
        np.datetime64("2012-01-03", "us"),
        np.datetime64("2012-01-03", "D"),
        datetime(2012, 1, 3, tzinfo=UTC),
        datetime(2012, 1, 2, 19, tzinfo=timezone(timedelta(hours=-5))),
    ):
        assert alert_id("dual_channel", "abcdef012345", "bullish", "BRK.B", "13d", ts) == expected


def test_an_alert_id_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="expected a time with a zone"):
        alert_id("r", "v", "bullish", "A", "1d", datetime(2012, 1, 3))
