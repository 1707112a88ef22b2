"""Rules that ask another timeframe: its last complete bar that closed before this one, and no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lake.market.aggregate import micros
from lake.market.bars import Actions, Bars, Bools
from lake.rules.elsewhere import answers_of, elsewhere
from lake.rules.evaluate import evaluate
from lake.rules.identity import rule_version
from lake.rules.language import Rule, parse_rules
from lake.steps.alerts import history_alerts
from tests.builders import actions, daily_bars, sessions
from tests.live import NOW

DAYS = sessions("2012-01-03", 12)


def rule(condition: str, timeframe: str = "1d") -> Rule:
    text = f"turn:\n  description: d\n  timeframes: [{timeframe}]\n  fires: every_bar\n  severity: info\n"
    return parse_rules(f"{text}  bullish: {condition}\n")["turn"]


def other(closes: list[float], close_on: list[int], timeframe: str = "1wk") -> Bars:
    """Return longer bars that close with the daily bars of these numbers."""
    bars = daily_bars([DAYS[day] for day in close_on], closes)
    return replace(bars, timeframe=timeframe)


def holds(asking: Rule, own: Bars, *others: Bars, splits: Actions | None = None) -> list[int]:
    """Return the rows of daily bars on which a rule that reads no column of its own holds."""
    said = answers_of([asking], others, splits or Actions.none())
    known = elsewhere(said, micros(own.closes_at[own.is_complete]))
    return np.flatnonzero(evaluate(asking, own, {}, elsewhere=known).side).tolist()


def own_bars(**changes: Bools) -> Bars:
    bars = daily_bars(DAYS, [10.0, *[11.0] * 11])
    return replace(bars, **changes)


def test_a_bar_sees_what_closed_before_it_and_not_what_closes_with_it() -> None:
    asking = rule("close > 20 on 1wk")
    # The price of a history has moved from its second bar on; the answers change after days 3 and 7.
    weeks = other([5.0, 30.0, 5.0], [1, 3, 7])
    assert holds(asking, own_bars(), weeks) == [4, 5, 6, 7]


def test_nothing_holds_where_the_other_timeframe_has_no_bar_yet_or_none_at_all() -> None:
    for condition in ("close > 1 on 1wk", "{not: close > 1 on 1wk}"):
        assert holds(rule(condition), own_bars()) == []
    assert holds(rule("{not: close > 99 on 1wk}"), own_bars(), other([5.0, 6.0], [1, 3])) == [
        *range(4, 12)
    ]  # on its first bar the price had not moved


def test_open_and_suspect_bars_of_the_other_timeframe_are_not_asked() -> None:
    weeks = other([5.0, 30.0, 31.0, 5.0], [1, 3, 5, 7])
    is_open = replace(weeks, is_complete=np.array([True, True, False, True]))
    assert holds(rule("close > 30.5 on 1wk"), own_bars(), is_open) == []
    suspect = replace(weeks, is_suspect=np.array([False, False, True, False]))
    assert holds(rule("close > 20 on 1wk"), own_bars(), suspect) == [4, 5]


def test_windows_before_on_count_its_bars_and_after_on_those_of_the_rule() -> None:
    weeks = other([5.0, 30.0, 31.0, 5.0], [1, 3, 5, 7])
    assert holds(rule("close > 20 for 2 bars on 1wk"), own_bars(), weeks) == [6, 7]
    assert holds(rule("close > 20 on 1wk within 3 bars"), own_bars(), weeks) == [4, 5, 6, 7, 8, 9]
    assert holds(rule("{any: [close > 20], on: 1wk bars}"), own_bars(), weeks) == [4, 5, 6, 7]


def test_a_split_between_the_bars_changes_no_answer() -> None:
    """The plain number is compared with the price as traded on the week, 30, not as the split left it."""
    asking = rule("close > 20 on 1wk")
    split = actions(splits=[(DAYS[6], 10.0)])
    own = daily_bars(DAYS, [10.0, *[11.0] * 5, *[1.1] * 6])
    weeks = other([5.0, 30.0, 1.0], [1, 3, 9])
    assert holds(asking, own, weeks, splits=split) == [4, 5, 6, 7, 8, 9]


def test_the_other_timeframe_may_be_shorter() -> None:
    asking = rule("close > 20 on 1d", "1wk")
    days = replace(daily_bars(DAYS, [1.0, *[30.0] * 5, *[1.0] * 6]), timeframe="1d")
    weeks = replace(other([10.0, 11.0, 12.0], [0, 5, 8]), timeframe="1wk")
    assert holds(asking, weeks, days) == [1]


def test_an_alert_says_what_it_saw_of_other_timeframes() -> None:
    asking = rule("{all: [close > 10.5, 'close > open[-1] on 1wk']}")
    [first, *_] = history_alerts([asking], own_bars(), Actions.none(), NOW, [other([5.0, 30.0], [1, 3])])
    assert str(first.ts.date()) == DAYS[4]
    assert first.values == {"close": 11.0, "close on 1wk": 30.0, "open[-1] on 1wk": 5.0}


def test_the_version_tells_timeframes_and_the_columns_of_others_apart() -> None:
    versions = {
        rule_version(rule(text))
        for text in ("close > ema_13", "close > ema_13 on 1wk", "close > ema_13 on 3d")
    }
    assert len(versions) == 3
    assert rule("close > ema_13 on 1wk").columns == ()
    assert rule("close > ema_13 on 1wk").all_columns == ("ema_13",)


def test_without_bars_of_the_other_timeframe_a_rule_still_judges_its_own() -> None:
    asking = rule("{any: [close > 10.5, close > 1 on 1wk]}")
    assert holds(asking, own_bars()) == [*range(1, 12)]


@pytest.mark.parametrize("condition", ["close > 1 on 1wk", "{all: [close > 1, close > 2 on 1wk]}"])
def test_the_canonical_text_reads_as_written(condition: str) -> None:
    [case] = rule(condition).cases
    assert str(case.condition).endswith("on 1wk") or str(case.condition).endswith("on 1wk)")
