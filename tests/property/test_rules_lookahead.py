"""Nothing looks ahead: columns and rules on a prefix are those of the whole series, on real prices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lake.features.indicator import TOLERANCE, Column
from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.market.aggregate import micros
from lake.market.bars import Actions, Bars
from lake.market.resample import resampled
from lake.market.sessions import calendar
from lake.rules.elsewhere import answers_of, elsewhere
from lake.rules.evaluate import Signals, evaluate
from lake.rules.language import parse_rules, read_rules
from tests.conftest import CHECKOUT
from tests.market import DAILY, split_adjusted

EVERY_SHAPE = parse_rules(
    """
every_shape:
  description: One of every kind of condition.
  timeframes: [1d]
  fires: on_change
  severity: info
  precedence: [neutral, bearish, bullish]
  bullish: "macd crosses_above macd_signal within 5 bars"
  bearish: {not: "close >= close[-3] for 4 bars"}
  neutral:
    all:
      - volume > 1.2 * volume[-1]
      - rsi_14 > 65
"""
)["every_shape"]
RULES = [
    *(rule for rule in read_rules(CHECKOUT / "conf").values() if rule.cases and not rule.asks),
    EVERY_SHAPE,
]
ASKING = parse_rules(
    """
asking:
  description: Other timeframes in every kind of look-back.
  timeframes: [1d]
  fires: on_change
  severity: info
  precedence: [neutral, bearish, bullish]
  bullish: {all: [close > ema_13, "close > close[-1] for 2 bars on 1wk"]}
  bearish: close < ema_8 on 3d within 2 bars
  neutral: {not: rsi_14 > 40 on 1wk}
"""
)["asking"]
RARE = {"golden_cross", "death_cross", "ema_recovery", "volume_spike"}
"""Rules that fire a few times in a history, or never."""
CUTS = 12


def series(folder: Path, symbol: str, timeframe: str) -> Bars:
    """Return a real series with some suspect bars; longer bars end with an open one."""
    daily = split_adjusted(folder, symbol)
    days = calendar("XNYS")
    daily = daily[days.ordinals(daily.session) >= 0]
    rng = np.random.default_rng(len(daily))
    daily = replace(daily, is_suspect=rng.random(len(daily)) < 0.002)
    return daily if timeframe == "1d" else resampled(daily, Actions.none(), timeframe, days)


def assert_equal(part: dict[str, Column], whole: dict[str, Column], bars: Bars) -> None:
    """Assert that columns agree to 1e-9 of the larger of value and scale, and are missing together."""
    for name, values in part.items():
        np.testing.assert_array_equal(np.isnan(values), np.isnan(whole[name]), err_msg=name)
        kind = REGISTRY.indicator(name).scale
        unit = {"price": bars.close, "volume": bars.volume, "percent": 100.0}.get(kind, 1.0)
        limit = TOLERANCE * np.fmax(np.abs(whole[name]), unit)
        assert not (np.abs(values - whole[name]) > limit).any(), name


@pytest.mark.parametrize("timeframe", ["1d", "1wk", "7d"])
@pytest.mark.parametrize("symbol", DAILY)
def test_a_prefix_gives_what_the_whole_series_gives(shared_data: Path, symbol: str, timeframe: str) -> None:
    bars = series(shared_data, symbol, timeframe)
    whole = compute(bars, REGISTRY.readable)
    judged = {rule.name: evaluate(rule, bars, whole) for rule in RULES}
    seldom = RARE if timeframe == "1d" else {rule.name for rule in RULES} - {"dual_channel", "every_shape"}
    assert {name for name, each in judged.items() if np.count_nonzero(each.fires) <= 5} <= seldom
    for cut in np.random.default_rng(1).integers(1, len(bars), CUTS):
        part = compute(bars[:cut], REGISTRY.readable)
        assert_equal(part, {name: values[:cut] for name, values in whole.items()}, bars[:cut])
        for rule in RULES:
            prefix, full = evaluate(rule, bars[:cut], part), judged[rule.name]
            np.testing.assert_array_equal(prefix.case, full.case[:cut])
            np.testing.assert_array_equal(prefix.fires, full.fires[:cut])


@pytest.mark.parametrize("symbol", ["AAPL", "IBM"])
def test_a_prefix_gives_what_the_whole_series_gives_of_other_timeframes(
    shared_data: Path, symbol: str
) -> None:
    """The longer bars of a prefix are those that can be made of it; the last of them is open."""

    def judged(days: int | None) -> Signals:
        own = daily[:days]
        longer = [resampled(own, Actions.none(), each, calendar("XNYS")) for each in ("1wk", "3d")]
        known = elsewhere(answers_of([ASKING], longer, Actions.none()), micros(own.closes_at))
        return evaluate(ASKING, own, compute(own, ASKING.columns), elsewhere=known)

    daily = series(shared_data, symbol, "1d")[-2500:]
    full = judged(None)
    assert min(np.count_nonzero(full.case == case) for case in range(3)) > 50
    for cut in np.random.default_rng(3).integers(1, len(daily), CUTS):
        prefix = judged(cut)
        np.testing.assert_array_equal(prefix.case, full.case[:cut])
        np.testing.assert_array_equal(prefix.fires, full.fires[:cut])


@pytest.mark.parametrize("symbol", ["BA", "CAT", "XOM"])
def test_a_start_in_the_middle_is_forgotten_after_settle_bars(shared_data: Path, symbol: str) -> None:
    bars = series(shared_data, symbol, "1d")
    whole = compute(bars, REGISTRY.readable)
    judged = {rule.name: evaluate(rule, bars, whole) for rule in RULES}
    for start in np.random.default_rng(2).integers(1, len(bars) - 6000, CUTS):
        late = compute(bars[start:], REGISTRY.readable)
        for name, values in late.items():
            settled = REGISTRY.settle_bars([name])
            rows = slice(start + settled, None)
            if REGISTRY.indicator(name).is_cumulative:  # given the stored value before, it is the same
                values = values + (whole[name][start + settled - 1] - values[settled - 1])
            assert_equal({name: values[settled:]}, {name: whole[name][rows]}, bars[rows])
        for rule in RULES:
            settled = REGISTRY.settle_bars(rule.columns) + 20
            from_here, full = evaluate(rule, bars[start:], late), judged[rule.name]
            np.testing.assert_array_equal(from_here.case[settled:], full.case[start + settled :])
            np.testing.assert_array_equal(from_here.fires[settled:], full.fires[start + settled :])


@pytest.mark.parametrize("symbol", ["AAPL", "F"])
def test_prices_in_another_unit_give_the_same_evaluate(shared_data: Path, symbol: str) -> None:
    """Rules compare prices with prices, so a later split changes nothing of the past."""
    bars = series(shared_data, symbol, "1d")
    rescaled = bars.rescaled(np.full(len(bars), 7.0))
    for rule in RULES:
        before, after = (evaluate(rule, each, compute(each, rule.columns)) for each in (bars, rescaled))
        np.testing.assert_array_equal(before.case, after.case)
        np.testing.assert_array_equal(before.fires, after.fires)


def test_the_same_input_gives_the_same_bytes(shared_data: Path) -> None:
    bars = series(shared_data, "SPY", "1d")
    first, second = compute(bars), compute(bars)
    assert [values.tobytes() for values in first.values()] == [values.tobytes() for values in second.values()]
