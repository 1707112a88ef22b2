"""All candle patterns on real series: TA-Lib's own values, and a count of every one that occurs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import talib

from lake.features.columns.talib_patterns import PATTERNS
from lake.features.kernel import compute
from tests.market import DAILY, split_adjusted


def test_the_registry_has_all_of_talib() -> None:
    assert {f"CDL{name}" for name in PATTERNS} == set(talib.get_function_groups()["Pattern Recognition"])


@pytest.mark.parametrize("symbol", DAILY)
def test_patterns_are_those_of_talib(shared_data: Path, symbol: str) -> None:
    bars = replace(split_adjusted(shared_data, symbol), later_splits=None)  # these very prices
    columns = compute(bars, [f"cdl_{name.lower()}" for name in PATTERNS])
    occurring = 0
    for name in PATTERNS:
        expected = getattr(talib, f"CDL{name}")(bars.open, bars.high, bars.low, bars.close)
        np.testing.assert_array_equal(columns[f"cdl_{name.lower()}"], expected)
        occurring += bool(expected.any())
    assert occurring >= 40
