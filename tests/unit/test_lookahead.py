"""The gate itself: each way of looking ahead is found, named alone, and told in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest

from lake.errors import BadConfiguration
from lake.features.indicator import Indicator
from lake.features.kernel import compute
from lake.features.registry import REGISTRY, build
from lake.levels.batch import Found, find
from lake.levels.level import Birth
from lake.levels.method import Bar, Method
from lake.levels.registry import methods
from lake.lookahead import levels as gate_levels
from lake.lookahead import view
from lake.lookahead.check import Checked, History, check
from lake.lookahead.definitions import Definitions, installed, lengthened
from lake.lookahead.longer import stored_finding
from lake.market.adjust import adjusted
from lake.market.bars import Bars
from lake.market.resample import resampled
from lake.market.sessions import calendar
from lake.rules.evaluate import Signals, evaluate
from lake.rules.language import parse_rules
from tests.builders import actions, daily_bars, sessions
from tests.conftest import CHECKOUT

DAYS = sessions("2018-01-02", 420)
EVENTS = actions(splits=[(DAYS[150], 7.0), (DAYS[330], 1.5)])


def walk(ticks: int = 8) -> Bars:
    """Return daily bars as traded in eighths, so that equal moves are common, with two splits."""
    random = np.random.default_rng(11)
    close = 200.0 + np.cumsum(random.integers(-ticks, ticks + 1, len(DAYS))) / 8
    open_ = close + random.integers(-ticks, ticks + 1, len(DAYS)) / 8
    high = np.maximum(open_, close) + random.integers(0, ticks, len(DAYS)) / 8
    low = np.minimum(open_, close) - random.integers(0, ticks, len(DAYS)) / 8
    volume = random.integers(100, 1000, len(DAYS)).astype(float)
    return daily_bars(DAYS, close.tolist(), open=open_, high=high, low=low, volume=volume)


@pytest.fixture(scope="module")
def everything() -> Definitions:
    return installed(CHECKOUT / "conf")


def found(definitions: Definitions, bars: Bars | None = None, *cuts: int, **history: Any) -> Checked:
    return check(
        History(walk() if bars is None else bars, EVENTS, **history), cuts or (320, 400), definitions
    )


def named(checked: Checked) -> set[tuple[str, str]]:
    return {(finding.kind, finding.name) for finding in checked.findings}


def test_nothing_is_found_where_nothing_looks_ahead(everything: Definitions) -> None:
    checked = found(everything, None, 1, 149, 150, 331, 419)
    assert list(map(str, checked.findings)) == []
    assert checked.cuts == 5
    assert 0 < checked.largest <= 1e-9  # a split leaves rounding, and no more


def test_sums_of_a_stock_that_seldom_trades_may_round(everything: Definitions) -> None:
    """A later split rescales volumes, so a sum that cancels to 0 keeps some rounding; it looks at nothing."""
    random = np.random.default_rng(30)
    volume = random.integers(1, 50, 160) * 100.0
    volume[random.random(160) < 0.5] = 0.0
    close = np.round(1.0 + 0.01 * np.cumsum(random.integers(-1, 2, 160)), 2)
    high = np.round(close + random.integers(0, 3, 160) * 0.01, 2)
    low = np.round(close - random.integers(0, 3, 160) * 0.01, 2)
    volume[60:100] = 0.0
    days = sessions("2018-01-02", 160)
    bars = daily_bars(days, close.tolist(), open=close, high=high, low=low, volume=volume)
    history = History(bars, actions(splits=[(days[120], 0.3)]))
    assert list(map(str, check(history, tuple(range(40, 120)), everything).findings)) == []
    split_bars = adjusted(bars, history.actions, "split")
    columns = compute(split_bars, ("volume_sma_20", "volume_ratio"))
    assert (columns["volume_sma_20"][79:100] == 0).all() and np.isnan(columns["volume_ratio"][79:100]).all()


def centred(close: Any) -> Any:
    out = np.full(len(close), np.nan)
    if len(close) >= 5:
        out[2:-2] = np.convolve(close, np.ones(5) / 5, "valid")
    return out


def shifted(close: Any) -> Any:
    return np.append(close[1:], np.nan)


def scaled(close: Any) -> Any:
    return (close - close.mean()) / (close.std() or 1.0)


def rarely(close: Any) -> Any:
    out = np.zeros(len(close))
    out[:-1] = close[1:] > 1.03 * close[:-1]
    return out


@pytest.mark.parametrize("cheat", [centred, shifted, scaled])
def test_a_column_that_looks_ahead_is_named_and_not_what_reads_it(
    everything: Definitions, cheat: Callable[..., Any]
) -> None:
    declared = partial(Indicator, scale="price", settle_bars=5, description="", source="")
    added = (
        declared(("cheat",), cheat, ("close",)),
        declared(("reader",), lambda values: values + 1.0, ("cheat",)),
    )
    definitions = replace(everything, registry=build({**REGISTRY.groups, "cheats": added}))
    checked = found(definitions)
    assert named(checked) == {("column", "cheat")}
    sentence = str(checked.findings[0])
    who = "expected column cheat to use no bar after its own, found AAPL 1d"
    assert sentence.startswith(f"{who}, cut after {DAYS[319]}T20:00:00Z: its value at {DAYS[319][:4]}-")
    assert sentence.endswith("with later bars there; correct the column")


def test_a_column_that_seldom_looks_ahead_is_found_where_it_does(everything: Definitions) -> None:
    cheat = Indicator(("cheat",), rarely, ("close",), "flag", 1, "", "")
    definitions = Definitions(build({**REGISTRY.groups, "cheats": (cheat,)}), {}, {})
    assert named(found(definitions, None, 300, 360)) == set()
    assert named(found(definitions, None, 300, 330)) == {("column", "cheat")}  # prices jump with the split


@dataclass(slots=True)
class Early(Method):
    """A swing low at its own close, by the bars that it has come by."""

    method: ClassVar[str] = "early"
    tape: ClassVar[dict[int, float]] = {}

    def closes(self, bar: Bar, swings: Any) -> list[Birth]:
        """Return the level before its confirmation."""
        later = [low for session, low in sorted(self.tape.items()) if session > bar.session][:2]
        is_swing = len(later) == 2 and bar.low <= min(later)
        return [Birth("support", bar.low, bar.ts, "swing")] if is_swing else []


def test_a_level_before_its_confirmation_is_named_alone(everything: Definitions) -> None:
    def taped(low: Any, session: Any) -> Any:
        Early.tape.clear()
        Early.tape.update(zip(session.astype(int).tolist(), low.tolist(), strict=True))
        return np.zeros(len(low))

    tape = Indicator(("tape",), taped, ("low", "session"), "flag", 1, "", "")
    definitions = replace(
        everything,
        registry=build({**REGISTRY.groups, "cheats": (tape,)}),
        methods={**methods(), "early": Early},
    )
    for cuts in ((400,), (320, 400)):  # from the first bar on, and from the cut before
        checked = found(definitions, None, *cuts)
        assert named(checked) == {("level method", "early")}
    assert "correct the level method" in str(checked.findings[0])


def test_levels_that_a_batch_confirms_too_soon_are_named(
    everything: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if `find` worked on whole arrays, and took a swing as known when it forms."""

    def hasty(bars: Bars, atr: Any, chosen: Any) -> Found:
        honest = find(bars, atr, chosen)
        for level in honest.levels:
            if level.method == "fractal":
                level.confirmed_at = level.formed_at
        return honest

    monkeypatch.setattr(gate_levels, "find", hasty)
    assert named(found(everything)) == {("level method", "fractal")}


def test_a_rule_that_judges_by_the_next_bar_is_named(
    everything: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clairvoyant(rule: Any, bars: Bars, columns: Any, *others: Any, **more: Any) -> Signals:
        honest = evaluate(rule, bars, columns, *others, **more)
        return replace(honest, case=np.roll(honest.case, -1)) if rule.name == "velocity" else honest

    fires = view.look(walk(), EVENTS, everything).signals["velocity"].fires
    changed = int(np.flatnonzero(fires[:-1])[-1])
    monkeypatch.setattr(view, "evaluate", clairvoyant)
    checked = found(everything, None, changed, changed + 1)
    assert named(checked) == {("rule", "velocity")}
    assert "its judgement of 20" in str(checked.findings[0])


def test_an_alert_that_only_later_bars_raise_is_named(
    everything: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = view.detect

    def late(rules: Any, bars: Bars, *others: Any) -> Any:
        raised = honest(rules, bars, *others)
        newest = bars.ts[-1].item()
        return [each for each in raised if each.rule != "macd_bear" or each.ts.replace(tzinfo=None) < newest]

    monkeypatch.setattr(view, "detect", late)
    fires = view.look(walk(), EVENTS, everything).signals["macd_bear"].fires
    checked = found(everything, None, int(np.flatnonzero(fires[:-1])[-1]) + 1)
    assert named(checked) == {("rule", "macd_bear")}
    assert " is missing by the bars up to there, bearish (" in str(checked.findings[0])


def test_an_open_week_that_counts_as_complete_is_named_and_nothing_else(everything: Definitions) -> None:
    days = calendar("XNYS")

    def finished(bars: Bars, *others: Any) -> Bars:
        made = resampled(bars, *others)
        return replace(made, is_complete=np.ones(len(made), dtype=bool))

    def weekly(make: Any, bars: Bars, own: Any) -> Bars:
        return make(bars, own, "1wk", days)

    assert found(everything, lengthen=partial(weekly, lengthened)).findings == []
    checked = found(everything, lengthen=partial(weekly, finished))
    assert named(checked) == {("bars", "1wk")}
    said = str(checked.findings[0])
    assert said.startswith("expected 1wk bars to use no bar after their own, found AAPL 1wk, cut after ")


@pytest.mark.parametrize("split", [1, 2])
def test_a_later_split_changes_no_column_of_the_past(split: int) -> None:
    """Moves in eighths are often equal, and divided by 7 or 1.5 they are not any more."""
    bars = walk()
    cut = DAYS.index(str(EVENTS.split_dates[split - 1]))
    before = compute(adjusted(bars[:cut], EVENTS, "split"), REGISTRY.readable)
    after = compute(adjusted(bars, EVENTS, "split"), REGISTRY.readable)
    exact = [name for name in before if REGISTRY.indicator(name).compares_exactly]
    assert {"cdl_doji", "adx_14", "plus_di_14"} <= set(exact)
    for name in exact:
        np.testing.assert_allclose(after[name][:cut], before[name], rtol=1e-11, err_msg=name)
    # Prices that were only divided would fail that.
    divided = compute(replace(adjusted(bars, EVENTS, "split"), later_splits=None), exact)
    assert any(np.nanmax(np.abs(divided[name][:cut] - before[name])) > 0.01 for name in exact)


def test_a_stored_bar_that_is_complete_too_soon_is_named() -> None:
    days, bars = calendar("XNYS"), walk()
    weeks = resampled(bars, EVENTS, "1wk", days)
    assert not weeks.is_complete[-1]
    assert stored_finding(weeks, bars) is None
    finding = stored_finding(replace(weeks, is_complete=np.ones(len(weeks), dtype=bool)), bars)
    assert finding is not None
    assert (finding.kind, finding.name) == ("bars", "1wk")
    assert " is open by the bars up to there, complete in the lake with later bars there" in str(finding)
    wrong = replace(weeks, is_complete=np.ones(len(weeks), dtype=bool))
    assert stored_finding(wrong, bars, weeks.closes_at[-1] - 1) is not None
    assert stored_finding(wrong, bars, weeks.closes_at[-1]) is None


def test_an_exact_column_may_not_be_a_price() -> None:
    wrong = Indicator(("wrong",), shifted, ("close",), "price", 1, "", "", compares_exactly=True)
    with pytest.raises(BadConfiguration, match="wrong expected scale percent, ratio or flag"):
        build({"own": (wrong,)})


def test_a_rule_that_asks_of_weeks_is_judged_by_the_weeks_closed_by_then(everything: Definitions) -> None:
    asking = parse_rules(
        """
asking:
  description: Above the weekly mean.
  timeframes: [1d]
  fires: on_change
  severity: info
  bullish: close > sma_7 on 1wk
"""
    )
    definitions = replace(everything, rules=asking)
    weeks = resampled(walk(), EVENTS, "1wk", calendar("XNYS"))
    judged = view.look(walk(), EVENTS, definitions, [weeks])
    assert judged.signals["asking"].fires.sum() > 5
    assert found(definitions, None, 327, 328, 329, 333, 400, others=(weeks,)).findings == []
