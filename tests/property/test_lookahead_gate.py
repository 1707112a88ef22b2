"""No column, level method, rule or longer bar of this installation looks ahead, on real prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.lookahead.check import check
from lake.lookahead.cuts import cuts_of
from lake.lookahead.definitions import Definitions, installed
from tests.conftest import CHECKOUT
from tests.series import NAMES, real_history

QUICK = ("MSFT 1d", "F 13d", "MU 15m_vendor/eqker_2019-01_02")
"""One of every kind, for every day."""


@pytest.fixture(scope="module")
def everything() -> Definitions:
    return installed(CHECKOUT / "conf")


def assert_nothing_looks_ahead(folder: Path, name: str, definitions: Definitions, cuts: int) -> None:
    history = real_history(folder, name)
    checked = check(history, cuts_of(history.bars, cuts, seed=6), definitions)
    print(f"{name}: {len(history.bars)} bars, {checked.cuts} cuts, largest {checked.largest:.1e}")
    assert list(map(str, checked.findings)) == []
    assert checked.cuts == min(cuts, len(history.bars) - 1)
    assert 0.0 <= checked.largest <= 1e-9


@pytest.mark.parametrize("name", QUICK)
def test_a_few_cuts_of_real_series_find_nothing(
    shared_data: Path, everything: Definitions, name: str
) -> None:
    assert_nothing_looks_ahead(shared_data, name, everything, cuts=4)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_200_cuts_of_20_real_series_find_nothing(
    shared_data: Path, everything: Definitions, name: str
) -> None:
    assert_nothing_looks_ahead(shared_data, name, everything, cuts=200)
