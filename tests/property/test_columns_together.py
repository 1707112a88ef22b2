"""What is computed together is what each is alone: candle patterns in one call, the bits of many columns."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from lake.features import candles as at_once
from lake.features.candles import candles
from lake.features.columns.talib_patterns import PATTERNS, PENETRATION
from lake.features.indicator import has_value
from lake.features.validity import validity
from lake.market.bars import Floats

Prices = tuple[Floats, Floats, Floats, Floats]

NAMES = [f"CDL{name}" for name in PATTERNS]
REACHES = [PENETRATION.get(name, np.nan) for name in PATTERNS]


@st.composite
def coarse_prices(draw: st.DrawFn) -> Prices:
    """Return prices of few steps, so that patterns and ties are frequent, some of the first of them NaN."""
    count = draw(st.integers(0, 120))
    steps = arrays(np.int64, count, elements=st.integers(-6, 6))
    tails = arrays(np.int64, count, elements=st.integers(0, 5))
    close = (100 + draw(steps).cumsum()) / 10
    open_ = close + draw(steps) / 10
    high = np.maximum(open_, close) + draw(tails) / 10
    low = np.minimum(open_, close) - draw(tails) / 10
    for each in (open_, high, low, close):
        each[: draw(st.sampled_from((0, 0, 0, 1, 9, 120)))] = np.nan
    return open_, high, low, close


@pytest.mark.parametrize("has_addresses", [True, False])
@given(coarse_prices())
def test_candles_are_those_of_each_function_alone(has_addresses: bool, prices: Prices) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not has_addresses:  # as where TA-Lib is a part of the Python module
            patch.setattr(at_once, "_addresses", lambda names: np.zeros(len(names), dtype=np.int64))
        found = candles(NAMES, REACHES, prices)
    for name, reach, strengths in zip(NAMES, REACHES, found, strict=True):
        options = {} if np.isnan(reach) else {"penetration": reach}
        np.testing.assert_array_equal(strengths, getattr(talib, name)(*prices, **options), name)


def test_a_penetration_that_talib_refuses_is_named() -> None:
    price = np.full(30, 10.0)
    with pytest.raises(ValueError, match="penetration of 0 or more for CDLMATHOLD, found -5;"):
        candles(["CDLDOJI", "CDLMATHOLD"], [np.nan, -5.0], (price, price, price, price))


def test_prices_that_are_not_equally_many_are_refused() -> None:
    with pytest.raises(ValueError):
        candles(["CDLDOJI"], [np.nan], (np.ones(30), np.ones(30), np.ones(29), np.ones(30)))


def test_the_functions_of_this_machine_are_called_at_their_addresses() -> None:
    """Else what the tests here compare would be the slow way with itself."""
    assert at_once._addresses(tuple(NAMES)).all()


@given(
    st.integers(0, 70).flatmap(
        lambda count: arrays(
            np.float64, (3, count), elements=st.sampled_from((np.nan, 0.0, -0.0, 1.5, np.inf))
        )
    ),
    st.sampled_from((np.float64, np.int16, np.int8)),
)
def test_the_bits_of_columns_are_where_they_have_a_value(values: Floats, kind: type) -> None:
    columns: NDArray[np.generic] = (
        np.nan_to_num(values, posinf=2.0).astype(kind) if kind != np.float64 else values
    )
    bits, missing = validity(columns, kind == np.float64)
    for column, own, nulls in zip(columns, bits, missing, strict=True):
        says = has_value(column)
        np.testing.assert_array_equal(own, np.packbits(says, bitorder="little"))
        assert nulls == len(column) - np.count_nonzero(says)
