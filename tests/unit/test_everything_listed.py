"""Everything the product promises by name is there by that name, with an example made by hand.

The names stand here as people know them, so that a name cannot leave the code and its test together.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lake.features.registry import REGISTRY
from lake.levels.registry import methods
from lake.rules.language import read_rules
from tests.conftest import CHECKOUT

UNIT = Path(__file__).parent
RULES = read_rules(CHECKOUT / "conf")

COLUMNS = {
    "moving_averages": "sma_7 sma_20 sma_50 sma_200 ema_7 ema_8 ema_12 ema_13 ema_20 ema_26 ema_144 ema_169",
    "momentum": "rsi_7 rsi_14 macd macd_signal macd_hist stoch_k stoch_d roc_10 mfi_14 willr_14 cci_20",
    "volatility": "atr_14 atr_14_mean_30 bb_upper bb_middle bb_lower true_range stdev_20 keltner_upper "
    "keltner_middle keltner_lower donchian_upper donchian_lower",
    "trend": "adx_14 plus_di_14 minus_di_14 aroon_up_25 aroon_down_25 supertrend macd_golden_cross "
    "ema_169_upper ema_169_lower",
    "volume": "obv adl volume_sma_20 volume_ratio vwap",
    "shape": "body body_ratio upper_shadow_ratio lower_shadow_ratio color gap_pct close_lag_1 close_lag_2 "
    "close_lag_3 rising_3 falling_3",
    "returns": "log_return return_pct volatility_20",
    "strict_patterns": "hammer inverted_hammer bullish_382 bearish_382 bullish_engulfing bearish_engulfing",
}
CANDLES = (
    "2crows 3blackcrows 3inside 3linestrike 3outside 3starsinsouth 3whitesoldiers abandonedbaby advanceblock "
    "belthold breakaway closingmarubozu concealbabyswall counterattack darkcloudcover doji dojistar "
    "dragonflydoji engulfing eveningdojistar eveningstar gapsidesidewhite gravestonedoji hammer hangingman "
    "harami haramicross highwave hikkake hikkakemod homingpigeon identical3crows inneck invertedhammer "
    "kicking kickingbylength ladderbottom longleggeddoji longline marubozu matchinglow mathold "
    "morningdojistar morningstar onneck piercing rickshawman risefall3methods separatinglines shootingstar "
    "shortline spinningtop stalledpattern sticksandwich takuri tasukigap thrusting tristar unique3river "
    "upsidegap2crows xsidegap3methods"
)
LEVELS = "fractal pivot cluster volume_profile fibonacci"
EVENTS = "touch bounce break retest role_flip"
LONG_TERM = (
    "ema_touch velocity momentum dual_channel macd_bull macd_bear engulfing hammer inverted_hammer "
    "bullish_382 ema_recovery ema_recovery_failed golden_cross death_cross breakout volume_spike squeeze"
)
LIVE = (
    "ma_rsi ema_cross macd_cross rsi_exit hammer inverted_hammer bullish_382 bearish_382 bullish_engulfing "
    "bearish_engulfing level_touch level_bounce level_break bb_breakout volume_spike"
)
STATES = {
    "ema_touch": "support resistance",
    "velocity": "negotiating maintained weak loss recovering",
    "momentum": "accelerating decelerating",
    "dual_channel": "bullish bearish",
}


def sources(*patterns: str) -> str:
    """Return the text of test files, this one aside."""
    found = [path for pattern in patterns for path in sorted(UNIT.glob(pattern)) if path != Path(__file__)]
    return "\n".join(path.read_text() for path in found)


def quoted(name: str, text: str) -> bool:
    """Return whether a name stands in quotes, alone or as an argument of its own."""
    return re.search(rf"""["']{re.escape(name)}["']""", text) is not None


@pytest.mark.parametrize("group", COLUMNS)
def test_every_column_is_registered_in_its_group_and_has_an_example(group: str) -> None:
    names = COLUMNS[group].split()
    declared = {name for indicator in REGISTRY.groups[group] for name in indicator.columns}
    assert set(names) <= declared & set(REGISTRY.names)
    examples = sources("test_features_by_hand.py", "test_strict_patterns.py").replace("{n}", "*")
    missing = [name for name in names if not quoted(name, examples) and not _counted(name, examples)]
    assert missing == []


def _counted(name: str, examples: str) -> bool:
    """Return whether an example goes over a column's periods: `sma_{n}` for n in (7, 20, 50)."""
    stem, _, period = name.rpartition("_")
    spans = re.findall(rf'f"{stem}_\*".* for n in \(([0-9, ]+)\)', examples)
    return any(period in re.split(r", ?", span) for span in spans)


def test_the_columns_and_candle_patterns_listed_are_all_that_is_stored() -> None:
    listed = {name for names in COLUMNS.values() for name in names.split()}
    candles = {f"cdl_{name}" for name in CANDLES.split()}
    assert len(candles) == 61
    assert set(REGISTRY.names) == listed | candles


def test_every_level_method_is_there_and_has_an_example() -> None:
    assert list(methods()) == LEVELS.split()
    examples = sources("test_levels_methods.py")
    assert [name for name in LEVELS.split() if name not in examples] == []


def test_every_event_has_an_example() -> None:
    examples = sources("test_levels_events.py")
    assert [name for name in EVENTS.split() if not quoted(name, examples)] == []


@pytest.mark.parametrize("name", LONG_TERM.split())
def test_every_long_term_alert_is_a_rule_of_daily_bars_and_has_an_example(name: str) -> None:
    assert "1d" in RULES[name].timeframes
    assert quoted(name, sources("test_long_term_rules.py", "test_rules_dual_channel.py"))


@pytest.mark.parametrize("name", LIVE.split())
def test_every_live_rule_is_a_rule_of_candles_and_has_an_example(name: str) -> None:
    assert {"5m", "15m", "30m"} <= set(RULES[name].timeframes)
    assert quoted(name, sources("test_live_rules.py", "test_long_term_rules.py", "test_strict_patterns.py"))


@pytest.mark.parametrize("name", STATES)
def test_a_rule_has_the_states_that_are_promised(name: str) -> None:
    assert {case.variant for case in RULES[name].cases} == set(STATES[name].split())
