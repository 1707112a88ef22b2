"""Signals: when a side holds, when that is news, and which bars are never judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from lake.errors import BadInput
from lake.features.kernel import compute
from lake.market.adjust import adjusted, split_factor
from lake.market.bars import Bars
from lake.rules.evaluate import NEUTRAL, evaluate, judged, side_name
from lake.rules.explain import explain
from lake.rules.language import Rule, parse_rules
from tests.builders import actions, daily_bars, sessions


def rule(fires: str = "on_change", **sides: str) -> Rule:
    """Return a rule; where several of its sides hold, the first given counts."""
    lines = ["turn:", "  description: d", "  timeframes: [1d]", f"  fires: {fires}", "  severity: info"]
    lines += [f"  precedence: [{', '.join(sides)}]", *(f"  {side}: {text}" for side, text in sides.items())]
    return parse_rules("\n".join(lines))["turn"]


def bars_of(closes: Sequence[float], **columns: Sequence[float]) -> Bars:
    return daily_bars(sessions("2012-01-03", len(closes)), closes, **columns)


def sides(rule: Rule, bars: Bars) -> list[int]:
    return evaluate(rule, bars, compute(bars, rule.columns)).side.tolist()


def fires(rule: Rule, bars: Bars) -> list[int]:
    return np.flatnonzero(evaluate(rule, bars, compute(bars, rule.columns)).fires).tolist()


def test_on_change_fires_where_the_side_differs_from_the_bar_before() -> None:
    both = rule(bullish="close > 10", bearish="close < 5")
    bars = bars_of([7, 11, 12, 7, 11, 3, 2, 7])
    assert sides(both, bars) == [0, 1, 1, 0, 1, -1, -1, 0]
    assert fires(both, bars) == [1, 4, 5]


def test_every_bar_fires_on_every_bar_that_has_a_side() -> None:
    assert fires(rule("every_bar", bullish="close > 10"), bars_of([7, 11, 12, 7, 11])) == [1, 2, 4]


def test_a_neutral_side_fires_without_being_bullish_or_bearish() -> None:
    spike = rule(neutral="close > 1.5 * close[-1]")
    assert sides(spike, bars_of([10, 20, 20, 40])) == [0, NEUTRAL, 0, NEUTRAL]
    assert [side_name(code) for code in (1, -1, 2, 0)] == ["bullish", "bearish", "neutral", None]


def test_the_first_side_in_precedence_counts() -> None:
    bars = bars_of([7, 11])
    assert sides(rule(bullish="close > 10", bearish="close > 9"), bars) == [0, 1]
    assert sides(rule(bearish="close > 9", bullish="close > 10"), bars) == [0, -1]


def test_a_rule_that_names_a_state_holds_where_that_rule_is_in_it() -> None:
    """Also while an earlier case is unknown, as that of an average is at first."""
    text = """
first:
  description: d
  timeframes: [1d]
  fires: every_bar
  severity: info
  states:
    high: {side: bullish, when: close > 1.001 * sma_7}
    there: {side: bearish, when: close > 5}
second:
  description: d
  timeframes: [1d]
  fires: every_bar
  severity: info
  bearish: first.there
"""
    first, second = parse_rules(text).values()
    bars = bars_of([10, 11, 12, 11, 10, 11, 12, 13, 14, 9, 4, 8])
    columns = compute(bars, first.columns)
    assert np.isnan(columns["sma_7"]).any()
    expected = [min(side, 0) for side in evaluate(first, bars, columns).side.tolist()]
    assert 0 in expected and expected[1] == -1
    assert evaluate(second, bars, columns).side.tolist() == expected


def test_a_cross_needs_the_other_side_on_the_bar_before() -> None:
    up = rule("every_bar", bullish="close crosses_above 10", bearish="close crosses_below 10")
    assert sides(up, bars_of([11, 12, 10, 11, 9, 10, 11, 12])) == [0, 0, 0, 1, -1, 0, 1, 0]


def test_values_within_1e_9_do_not_cross() -> None:
    up = rule("every_bar", bullish="close crosses_above 10")
    assert sides(up, bars_of([9, 10 + 5e-9, 10 - 5e-9, 10 + 5e-9, 10 + 5e-8])) == [0, 0, 0, 0, 1]


def test_for_needs_every_bar_and_within_one_of_them() -> None:
    bars = bars_of([1, 11, 12, 13, 5, 11, 5, 5, 5])
    assert sides(rule(bullish="close > 10 for 3 bars"), bars) == [0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert sides(rule(bullish="close > 10 within 3 bars"), bars) == [0, 1, 1, 1, 1, 1, 1, 1, 0]


def test_a_window_that_reaches_before_the_history_is_unknown() -> None:
    bars = bars_of([11, 12, 13, 14])
    assert sides(rule(bullish="close > 10 for 3 bars"), bars) == [0, 0, 1, 1]
    assert sides(rule(bullish="{not: close < 10 within 3 bars}"), bars) == [0, 0, 1, 1]
    assert sides(rule(bullish="{not: 'close[-1] > 100'}"), bars) == [0, 1, 1, 1]


def test_no_side_holds_on_a_suspect_bar_nor_before_five_clean_ones_in_a_row() -> None:
    bars = bars_of([9, *[11] * 14])
    suspect = np.isin(np.arange(15), (3, 5))
    doubtful = replace(bars, is_suspect=suspect)
    up = rule(bullish="close > 10")
    assert sides(up, doubtful) == [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert judged(doubtful).tolist()[2:11] == [True, *[False] * 7, True]


def test_a_side_that_held_before_and_after_a_suspect_bar_is_no_news() -> None:
    suspect = np.arange(12) == 3
    up = rule(bullish="close > 10", bearish="close < 5")
    assert fires(up, replace(bars_of([9, *[11] * 11]), is_suspect=suspect)) == [1]
    assert fires(up, replace(bars_of([9, 11, 11, 2, *[3] * 8]), is_suspect=suspect)) == [1, 8]


def test_no_side_holds_while_the_price_has_never_moved() -> None:
    always = rule("every_bar", bullish="close > 1", bearish="rsi_7 < 60")
    assert fires(always, bars_of([50] * 40)) == []
    assert fires(always, bars_of([50] * 10 + [51])) == [10]
    still = bars_of([50] * 10 + [50], high=[50] * 10 + [50.5])
    assert fires(always, still) == [10]


def test_no_side_holds_on_an_incomplete_bar_and_the_bar_before_is_the_last_complete_one() -> None:
    bars = bars_of([9, 10, 99, 11, 12])
    partial = replace(bars, is_complete=np.array([True, True, False, True, False]))
    rising = rule("every_bar", bullish="close > close[-1]")
    assert sides(rising, partial) == [0, 1, 0, 1, 0]


def test_an_amount_is_compared_as_traded_on_the_bar() -> None:
    """Split 10 for 1 on row 3: before it the close was 40 to 60, afterwards it is 7."""
    as_traded = bars_of([40, 60, 60, 7, 7], volume=[100, 100, 300, 1000, 1000])
    splits = actions(splits=[(str(as_traded.session[3]), 10.0)])
    bars, later = adjusted(as_traded, splits, "split"), split_factor(as_traded.session, splits)
    columns = compute(bars)
    dear = rule("every_bar", bullish="close > 50")
    assert evaluate(dear, bars, columns, later).side.tolist() == [0, 1, 1, 0, 0]
    assert evaluate(dear, bars, columns).side.tolist() == [0, 0, 0, 0, 0]
    busy = rule("every_bar", bullish="volume > 200")
    assert evaluate(busy, bars, columns, later).side.tolist() == [0, 0, 1, 1, 1]
    rising = rule("every_bar", bullish="close > 1.1 * close[-1]", bearish="close < 0.9 * close[-1]")
    assert evaluate(rising, bars, columns, later).side.tolist() == [0, 1, 0, 1, 0]


def test_a_missing_column_is_refused_by_name() -> None:
    bars = bars_of([1, 2, 3])
    with pytest.raises(BadInput, match="expected column ema_13 for rule turn, found ema_8"):
        evaluate(rule(bullish="close > ema_13"), bars, compute(bars, ["ema_8"]))


def test_an_empty_history_has_empty_signals() -> None:
    bars = bars_of([1])[:0]
    signals = evaluate(rule(bullish="close > close[-1] for 5 bars"), bars, {})
    assert signals.side.shape == signals.fires.shape == (0,)


def test_an_explanation_shows_each_condition_with_its_values() -> None:
    bars = bars_of([1, 2, 3])
    turn = rule(bullish="{any: [close > 2.5, {not: sma_7 > 1}]}", bearish="close < close[-1] for 2 bars")
    assert [str(line) for line in explain(turn, bars, compute(bars, ["sma_7"]), 2)] == [
        "bullish: yes",
        "  any of: yes",
        "    close > 2.5: yes (close = 3)",
        "    not: unknown",
        "      sma_7 > 1: unknown (sma_7 = nan)",
        "bearish: no",
        "  for 2 bars: no",
        "    close < close[-1]: no (close = 3, close[-1] = 2)",
    ]


def test_an_open_bar_is_not_explained() -> None:
    bars = replace(bars_of([1, 2]), is_complete=np.array([True, False]))
    with pytest.raises(BadInput, match="expected a complete bar"):
        explain(rule(bullish="close > 1"), bars, {}, 1)
