"""Validation of raw messages: what passes, what does not, and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.feed.messages import LARGEST, MANY, Clock, decode, encode_candles, encode_clock
from lake.feed.validate import REASONS, check
from lake.market.candles import Candle

NOW = datetime(2024, 6, 3, 20, 0, tzinfo=UTC)
EXCHANGES = {"AAPL": "XNYS", "JUNIORBEES.NSE": "XNSE"}
SOURCES = ("files", "simulated")
GOOD: dict[str, Any] = {
    "symbol": "AAPL", "timeframe": "1m", "ts": "2024-03-04T14:30:00Z", "open": 10.0, "high": 11.0,
    "low": 9.5, "close": 10.5, "volume": 100.0, "is_closed": True, "source": "files",
}  # fmt: skip


def envelope(*candles: Any) -> bytes:
    return json.dumps({"v": 1, "candles": list(candles)}).encode()


def reasons(value: bytes | None) -> list[tuple[int | None, str]]:
    found = check(value, EXCHANGES, SOURCES, NOW)
    return [(fault.index, fault.reason) for fault in found.faults]


def test_a_good_candle_comes_out_as_it_went_in() -> None:
    found = check(envelope(GOOD), EXCHANGES, SOURCES, NOW)
    ts = int(np.datetime64("2024-03-04T14:30", "us").astype(np.int64))
    assert found.candles == [("AAPL", Candle("1m", ts, 10.0, 11.0, 9.5, 10.5, 100.0, True, False, "files"))]
    assert not found.faults and not found.extended_hours


def test_one_candle_needs_no_envelope() -> None:
    assert check(json.dumps(GOOD).encode(), EXCHANGES, SOURCES, NOW).candles
    assert (
        check(json.dumps({**GOOD, "volume": 7}).encode(), EXCHANGES, SOURCES, NOW).candles[0][1].volume == 7.0
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"close": None}, "wrong_type"),
        ({"close": True}, "wrong_type"),
        ({"close": "10.5"}, "wrong_type"),
        ({"close": [1]}, "wrong_type"),
        ({"is_closed": 1}, "wrong_type"),
        ({"symbol": 5}, "wrong_type"),
        ({"ts": 1709562600}, "wrong_type"),
        ({"close": float("nan")}, "not_finite"),
        ({"volume": float("-inf")}, "not_finite"),
        ({"high": 1e308}, "too_large"),
        ({"high": 10**400}, "too_large"),
        ({"low": 0.0}, "not_positive"),
        ({"open": -10.0}, "not_positive"),
        ({"volume": -1}, "negative_volume"),
        ({"high": 9.0, "open": 9.2, "close": 9.2}, "high_below_low"),
        ({"close": 12.0}, "outside_range"),
        ({"symbol": "MSFT"}, "unknown_symbol"),
        ({"symbol": "../AAPL"}, "unknown_symbol"),
        ({"timeframe": "1d"}, "unknown_timeframe"),
        ({"source": "somebody"}, "unknown_source"),
        ({"ts": "yesterday"}, "bad_time"),
        ({"ts": "2024-03-04T14:30:17Z"}, "misaligned"),
        ({"timeframe": "5m", "ts": "2024-03-04T14:31:00Z"}, "misaligned"),
        ({"ts": "2024-03-02T15:00:00Z"}, "off_session"),
        ({"ts": "2024-06-03T19:59:30Z"}, "misaligned"),
        ({"ts": "2024-06-04T14:30:00Z"}, "future"),
    ],
)
def test_what_is_wrong_with_a_candle_is_said(changes: dict[str, Any], reason: str) -> None:
    value = envelope({**GOOD, **changes})
    found = check(value, EXCHANGES, SOURCES, NOW)
    assert [(fault.index, fault.reason) for fault in found.faults] == [(0, reason)]
    assert found.faults[0].payload == value
    assert found.faults[0].detail
    assert not found.candles


@pytest.mark.parametrize("name", GOOD)
def test_a_candle_has_all_its_keys(name: str) -> None:
    assert reasons(envelope({key: value for key, value in GOOD.items() if key != name})) == [
        (0, "missing_key")
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "bad_json"),
        (b"", "bad_json"),
        (b"\xff\xfe\x00", "bad_utf8"),
        (b"\0\0\0", "bad_json"),
        (b"{", "bad_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 30_000 + b"1" + b"}" * 30_000, "too_deep"),
        (b"[]", "not_an_object"),
        (b"3", "not_an_object"),
        (b"{}", "wrong_version"),
        (b'{"v":2,"candles":[]}', "wrong_version"),
        (b'{"v":true,"candles":[]}', "wrong_version"),
        (b'{"v":1}', "no_candles"),
        (b'{"v":1,"candles":{}}', "no_candles"),
        (b" " * (LARGEST + 1), "too_long"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(value: bytes | None, reason: str) -> None:
    found = check(value, EXCHANGES, SOURCES, NOW)
    assert [(fault.index, fault.reason, fault.payload) for fault in found.faults] == [
        (None, reason, value or b"")
    ]


def test_a_bad_candle_costs_its_neighbours_nothing_and_keeps_its_own_text() -> None:
    bad = '{ "symbol" : "AAPL", "close":NaN }'
    text = (
        f'{{"v": 1, "x": ["candles", 1], "candles" : [{json.dumps(GOOD)} , {bad},\n{json.dumps(GOOD)}, 5]}}'
    )
    found = check(text.encode(), EXCHANGES, SOURCES, NOW)
    assert len(found.candles) == 2
    assert [(fault.index, fault.reason, fault.payload) for fault in found.faults] == [
        (1, "missing_key", bad.encode()),
        (3, "not_an_object", b"5"),
    ]


def test_hours_around_a_session_are_counted_and_dropped() -> None:
    early = {**GOOD, "ts": "2024-03-04T14:29:00Z"}
    found = check(envelope(early, GOOD), EXCHANGES, SOURCES, NOW)
    assert (len(found.candles), found.faults, found.extended_hours) == (1, [], 1)


def test_exchanges_and_timeframes_may_be_mixed() -> None:
    indian = {**GOOD, "symbol": "JUNIORBEES.NSE", "ts": "2024-03-04T03:45:00Z"}
    half_hour = {**GOOD, "timeframe": "30m"}
    found = check(envelope(GOOD, indian, half_hour, {**indian, "low": -1}), EXCHANGES, SOURCES, NOW)
    assert [symbol for symbol, _ in found.candles] == ["AAPL", "JUNIORBEES.NSE", "AAPL"]
    assert [(fault.index, fault.reason) for fault in found.faults] == [(3, "not_positive")]


def test_a_forming_candle_need_only_have_begun() -> None:
    forming = {**GOOD, "timeframe": "30m", "ts": "2024-06-03T19:30:00Z", "is_closed": False}
    noon = datetime(2024, 6, 3, 19, 40, tzinfo=UTC)
    assert check(envelope(forming), EXCHANGES, SOURCES, noon).candles
    closed = check(envelope({**forming, "is_closed": True}), EXCHANGES, SOURCES, noon)
    assert [fault.reason for fault in closed.faults] == ["future"]


def test_prices_are_rounded_as_batch_does() -> None:
    (entry,) = check(envelope({**GOOD, "close": 10.123456789}), EXCHANGES, SOURCES, NOW).candles
    assert entry[1].close == 10.12345679


def test_the_topic_of_candles_carries_what_was_put_in() -> None:
    feed = [
        ("AAPL", Candle("1m", 60_000_000 * n, 1.0, 2.0, 0.5, 1.5, 3.0, n % 2 == 0, False, "files"))
        for n in range(MANY + 3)
    ]
    values = list(encode_candles(feed))
    assert [len(value) <= LARGEST for value in values] == [True, True]
    assert [entry for value in values for entry in decode(value)] == feed
    clock = Clock("AAPL", "5m", 1709562600000000)
    assert decode(encode_clock(clock)) == clock


@pytest.mark.parametrize(
    "value", [b"", b"[]", b"{}", b'{"v":1,"candles":[{}]}', b'{"clock":{}}', b'{"candles":5}', b"5"]
)
def test_what_is_no_message_of_candles_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError):
        decode(value)


@given(st.binary(max_size=200))
def test_no_bytes_are_lost_or_raise(value: bytes) -> None:
    found = check(value, EXCHANGES, SOURCES, NOW)
    assert len(found.candles) + len(found.faults) + found.extended_hours >= (value != b'{"v":1,"candles":[]}')
    assert all(fault.reason in REASONS for fault in found.faults)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from(sorted(GOOD)), JSON, max_size=3), max_size=4))
def test_every_candle_comes_out_somewhere(changes: list[dict[str, Any]]) -> None:
    candles = [{**GOOD, **each} for each in changes]
    found = check(envelope(*candles), EXCHANGES, SOURCES, NOW)
    assert len(found.candles) + len(found.faults) + found.extended_hours == len(candles)
    assert len({fault.index for fault in found.faults}) == len(found.faults)
