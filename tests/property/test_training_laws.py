import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lake.market.sessions import calendar
from lake.training.labels import forward_returns, opens_at
from lake.training.scaler import Moments, Scaler
from lake.training.splits import assign, cuts
from tests.builders import actions, daily_bars, sessions

DAYS = sessions("2010-01-04", 400)
CLOSES_AT = calendar("XNYS").closes_at[calendar("XNYS").ordinals(np.array(DAYS, dtype="datetime64[D]"))]
OPENS_AT = calendar("XNYS").opens_at[calendar("XNYS").ordinals(np.array(DAYS, dtype="datetime64[D]"))]

prices = st.lists(st.floats(1.0, 500.0), min_size=8, max_size=30)


@st.composite
def rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Rows of several symbols with gaps: when each closes and its longest label ends, in bars."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))  # drawing each day by itself is slow
    days = np.sort(chance.choice(379, size=draw(st.integers(150, 379)), replace=False))
    repeats = draw(st.integers(1, 3))
    spans = chance.integers(2, 22, size=len(days) * repeats)
    closing = np.tile(days, repeats)
    embargo = draw(st.integers(21, 25))
    return CLOSES_AT[closing], OPENS_AT[closing + spans], embargo


@given(rows())
def test_no_label_of_a_split_ends_in_or_near_a_later_one(made: tuple[np.ndarray, np.ndarray, int]) -> None:
    closes_at, ends_at, embargo = made
    times = np.unique(closes_at)
    codes = assign(closes_at, ends_at, cuts(times, (0.6, 0.2, 0.2), embargo))
    for split in (0, 1):
        later = closes_at[codes > split].min()
        ends = ends_at[codes == split]
        assert (ends < later).all()
        # Whole bar times between the end of each label and the later split.
        between = np.searchsorted(times, later) - np.searchsorted(times, ends)
        assert (between >= embargo).all()


@given(rows())
def test_splits_do_not_overlap_and_the_last_is_whole(made: tuple[np.ndarray, np.ndarray, int]) -> None:
    closes_at, ends_at, embargo = made
    at = cuts(np.unique(closes_at), (0.6, 0.2, 0.2), embargo)
    codes = assign(closes_at, ends_at, at)
    assert (codes[closes_at >= at.starts_at[1]] == 2).all()
    assert (closes_at[codes == 0] < at.starts_at[0]).all()
    inside = (closes_at >= at.starts_at[0]) & (closes_at < at.starts_at[1])
    assert inside[codes == 1].all()


@given(prices, st.floats(1.5, 10.0), st.floats(0.01, 0.4))
def test_actions_after_a_label_do_not_change_it(closes: list[float], ratio: float, share: float) -> None:
    days = sessions("2010-01-04", len(closes))
    bars = daily_bars(days, closes)
    opens = opens_at(bars, calendar("XNYS"))
    early = [(days[2], share * closes[1])]
    later = [(days[-1], share * closes[-2] / ratio)]
    plain = forward_returns(bars, actions(dividends=early), opens, [1])[0]
    changed = forward_returns(bars, actions(splits=[(days[-1], ratio)], dividends=early + later), opens, [1])[
        0
    ]
    before = slice(0, len(closes) - 3)
    assert changed.value[before] == pytest.approx(plain.value[before], rel=1e-9, abs=1e-12)


@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 60), st.just(3)),
        elements=st.floats(-1e3, 1e3, allow_subnormal=False),
    ),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_moments_of_parts_are_those_of_the_whole(matrix: np.ndarray, places: list[int]) -> None:
    merged = Moments.of(np.empty((0, 3)))
    for part in np.split(matrix, sorted(place for place in places if place < len(matrix))):
        merged = merged.merged(Moments.of(part))
    assert merged.count == len(matrix)
    assert merged.mean == pytest.approx(matrix.mean(axis=0), abs=1e-9)
    assert merged.squares / merged.count == pytest.approx(matrix.var(axis=0), rel=1e-9, abs=1e-9)


@given(arrays.arrays(np.float64, (40, 2), elements=st.floats(-100, 100, allow_subnormal=False)))
def test_scaled_train_rows_have_mean_0_and_deviation_1_or_are_constant(matrix: np.ndarray) -> None:
    scaler = Scaler.fitted(("a", "b"), Moments.of(matrix))
    assert Scaler.from_json(scaler.to_json()).scaled(matrix) == pytest.approx(scaler.scaled(matrix))
    scaled = scaler.scaled(matrix)
    for column in range(2):
        if matrix[:, column].std() > 1e-6:
            assert scaled[:, column].mean() == pytest.approx(0.0, abs=1e-6)
            assert scaled[:, column].std() == pytest.approx(1.0, rel=1e-6)


def test_a_constant_feature_is_only_centred() -> None:
    scaler = Scaler.fitted(("a",), Moments.of(np.full((7, 1), 0.1)))
    assert scaler.scaled(np.full((2, 1), 0.1)) == pytest.approx(np.zeros((2, 1)), abs=1e-12)
