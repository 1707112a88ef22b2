"""The mean of a window is that of its own values, whatever came before it."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lake.features.loops import mean

sizes = (st.floats(1e-12, 1e-9), st.floats(1e-3, 1e3), st.floats(1e12, 1e15))
values = st.one_of(*sizes, st.just(0.0), st.integers(0, 50).map(float))


@given(st.lists(values, max_size=60), st.integers(1, 12), st.integers(0, 3))
def test_the_mean_is_that_of_the_window_alone(numbers: list[float], period: int, missing: int) -> None:
    found = mean(np.array([*[math.nan] * missing, *numbers]), period)
    assert len(found) == missing + len(numbers)
    assert np.isnan(found[: missing + period - 1]).all()
    for end in range(period, len(numbers) + 1):
        window = numbers[end - period : end]
        assert math.isclose(found[missing + end - 1], math.fsum(window) / period, rel_tol=1e-14)
        assert (found[missing + end - 1] == 0) == (max(window) == 0)
