import numpy as np
import pytest

from lake.errors import BadInput
from lake.training.recipe import recipe_from_json, recipe_of
from lake.training.splits import EMBARGOED, PURGED, assign, cuts

TIMES = np.arange("2012-01-01", "2012-01-21", dtype="datetime64[D]").astype("datetime64[us]")
DAY = np.timedelta64(1, "D")


def test_the_cuts_divide_distinct_times_by_the_fractions() -> None:
    at = cuts(TIMES, (0.6, 0.2, 0.2), embargo=2)
    assert at.starts_at.tolist() == [TIMES[12].item(), TIMES[16].item()]
    assert at.quiet_from.tolist() == [TIMES[10].item(), TIMES[14].item()]


def test_rows_whose_label_ends_in_the_next_split_are_purged_and_those_near_it_embargoed() -> None:
    at = cuts(TIMES, (0.6, 0.2, 0.2), embargo=2)
    codes = assign(TIMES, TIMES + 3 * DAY, at)
    assert codes.tolist() == [0] * 7 + [EMBARGOED] * 2 + [PURGED] * 3 + [EMBARGOED] + [PURGED] * 3 + [2] * 4


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.9, 0.2, 0.1), (1.0, 0.0, 0.0), (1.2, -0.1, -0.1)])
def test_fractions_that_are_no_shares_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(BadInput, match="add up to 1"):
        cuts(TIMES, fractions, embargo=2)


def test_too_short_a_history_is_refused_with_what_was_found() -> None:
    with pytest.raises(BadInput, match=r"more than 4 bar times.*found 20"):
        cuts(TIMES, (0.6, 0.2, 0.2), embargo=4)


def test_the_embargo_covers_the_longest_label_from_close_to_last_open() -> None:
    assert recipe_of(horizons=(5, 1, 5)).embargo_bars == 6
    assert recipe_of(horizons=(5, 1, 5)).horizons == (1, 5)


@pytest.mark.parametrize("horizons", [(), (0, 1), (-5,), (5_000,)])
def test_horizons_that_are_no_bars_are_refused(horizons: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="expected horizons"):
        recipe_of(horizons=horizons)


def test_a_recipe_survives_its_json() -> None:
    from datetime import date

    recipe = recipe_of("1wk", (1, 4), date(2001, 1, 1), None)
    assert recipe_from_json(recipe.to_json()) == recipe
