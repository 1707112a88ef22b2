from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from lake.sandbox import identity
from lake.sandbox.identity import combined, definition_of, digest_of, run_id_of
from lake.sandbox.outcome import Costs
from lake.sandbox.strategies import Signal, Strategy
from tests.builders import actions, daily_bars, sessions

STRATEGY = Strategy("swing", "words", "1d", Signal("trend", "bullish"), Signal("trend", "bearish"))
BARS = daily_bars(sessions("2012-01-03", 3), [10.0, 11.0, 12.0])
MOVES = actions(splits=[("2012-01-04", 2.0)], dividends=[("2012-01-05", 0.5)])
INPUTS = {
    "definition": definition_of(STRATEGY, {"trend": "abc"}),
    "timeframe": "1d",
    "account": "per-stock",
    "symbols": ["AAPL", "IBM"],
    "start": date(2012, 1, 3),
    "end": None,
    "costs": Costs(),
    "as_of": datetime(2013, 1, 1, tzinfo=UTC),
    "data_digest": "d",
}
OTHERS = {
    "definition": definition_of(STRATEGY, {"trend": "abd"}),
    "timeframe": "1wk",
    "account": "shared",
    "symbols": ["AAPL"],
    "start": None,
    "end": date(2012, 2, 1),
    "costs": Costs(commission_bps=6),
    "as_of": None,
    "data_digest": "e",
}


def test_the_same_inputs_are_the_same_run() -> None:
    zone = timezone(timedelta(hours=2))
    same = {
        **INPUTS,
        "symbols": ["IBM", "AAPL", "IBM"],
        "costs": Costs(10_000, 5, 5),
        "as_of": datetime(2013, 1, 1, 2, tzinfo=zone),
    }
    assert run_id_of(**INPUTS) == run_id_of(**same)
    assert len(run_id_of(**INPUTS)) == 64


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_input_is_another_run(name: str) -> None:
    assert run_id_of(**INPUTS) != run_id_of(**{**INPUTS, name: OTHERS[name]})


def test_another_engine_makes_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    before = run_id_of(**INPUTS)
    monkeypatch.setattr(identity, "ENGINE_VERSION", identity.ENGINE_VERSION + 1)
    assert run_id_of(**INPUTS) != before


def test_a_description_or_default_timeframe_makes_no_other_definition() -> None:
    other = replace(STRATEGY, description="other words", timeframe="1wk")
    assert definition_of(other, {"trend": "abc"}) == INPUTS["definition"]
    swapped = replace(STRATEGY, enter=STRATEGY.leave, leave=STRATEGY.enter)
    assert definition_of(swapped, {"trend": "abc"}) != INPUTS["definition"]


def test_equal_bars_have_equal_digests_however_they_lie_in_memory() -> None:
    spread = np.repeat(BARS.close, 2)[::2]
    assert digest_of(replace(BARS, close=spread), MOVES) == digest_of(BARS, MOVES)


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume"])
def test_any_changed_value_changes_the_digest(name: str) -> None:
    values = getattr(BARS, name).copy()
    values[1] += 1e-6
    assert digest_of(replace(BARS, **{name: values}), MOVES) != digest_of(BARS, MOVES)


@pytest.mark.parametrize("name", ["is_complete", "is_suspect"])
def test_a_changed_flag_changes_the_digest(name: str) -> None:
    flags = getattr(BARS, name).copy()
    flags[1] = not flags[1]
    assert digest_of(replace(BARS, **{name: flags}), MOVES) != digest_of(BARS, MOVES)


def test_changed_actions_change_the_digest() -> None:
    others = [
        actions(splits=[("2012-01-04", 2.0)]),
        actions(dividends=[("2012-01-05", 0.5)]),
        actions(splits=[("2012-01-05", 0.5)], dividends=[("2012-01-04", 2.0)]),
        actions(splits=[("2012-01-04", 2.0)], dividends=[("2012-01-05", 0.51)]),
    ]
    digests = {digest_of(BARS, other) for other in [MOVES, *others]}
    assert len(digests) == 5


def test_a_combined_digest_does_not_depend_on_order() -> None:
    assert combined([("A", "1"), ("B", "2")]) == combined([("B", "2"), ("A", "1")])
    assert combined([("A", "1"), ("B", "2")]) != combined([("A", "2"), ("B", "1")])
