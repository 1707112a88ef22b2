"""conf/universe.yaml: names, aliases and dated membership."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from lake.config import CHECKOUT
from lake.errors import BadConfiguration
from lake.membership import members, membership_from_json, membership_json
from lake.universe import Universe, read_universe
from tests.commands import home_with

SYMBOLS = """
symbols:
  - IBM
  - symbol: META
    name: Meta Platforms, Inc.
    listed: 2012-05-18
    aliases: [FB]
    member:
      - {from: 2013-12-23, to: 2015-06-30}
      - {from: 2017-01-03}
"""


def universe(folder: Path, symbols: str = SYMBOLS) -> Universe:
    return read_universe(home_with(folder, symbols) / "conf")


def test_an_entry_is_a_name_or_says_more(tmp_path: Path) -> None:
    found = universe(tmp_path)
    assert found.names_between() == ("IBM", "META")
    assert found.listings()["META"].listed == date(2012, 5, 18)
    assert found.canonical(["FB", "IBM", "META"]) == ("META", "IBM")


@pytest.mark.parametrize(
    ("day", "is_in"),
    [
        ("2013-12-20", False),
        ("2013-12-23", True),
        ("2015-06-30", True),
        ("2015-07-01", False),
        ("2016-12-30", False),
        ("2017-01-03", True),
        ("2026-01-02", True),
    ],
)
def test_membership_holds_from_its_first_day_to_its_last(tmp_path: Path, day: str, is_in: bool) -> None:
    found = universe(tmp_path).membership()
    days = np.array([day], dtype="datetime64[D]")
    assert members("META", days, found).tolist() == [is_in]
    assert members("IBM", days, found).tolist() == [True]
    assert members("META", days, membership_from_json(membership_json(found))).tolist() == [is_in]


@pytest.mark.parametrize(
    ("start", "end", "names"),
    [
        (None, date(2013, 12, 20), ("IBM",)),
        (None, date(2013, 12, 23), ("IBM", "META")),
        (date(2015, 7, 1), date(2017, 1, 2), ("IBM",)),
        (date(2015, 7, 1), None, ("IBM", "META")),
        (None, None, ("IBM", "META")),
    ],
)
def test_members_of_a_period_are_those_of_any_of_its_days(
    tmp_path: Path, start: date | None, end: date | None, names: tuple[str, ...]
) -> None:
    assert universe(tmp_path).names_between(start, end) == names


@pytest.mark.parametrize(
    ("symbols", "says"),
    [
        ("symbols: [meta]\n", "expected a symbol"),
        ("symbols: [IBM, IBM]\n", "IBM twice"),
        ("symbols: [FB, {symbol: META, aliases: [FB]}]\n", "FB twice"),
        ("symbols: [{symbol: A, aliases: [X]}, {symbol: B, aliases: [X]}]\n", "X twice"),
        ("symbols: [{symbol: A, listed: 2020-01-02, delisted: 2019-01-02}]\n", "listed before delisted"),
        ("symbols: [{symbol: A, member: [{from: 2020-01-02, to: 2019-01-02}]}]\n", "dates in order"),
        ("symbols: [{symbol: A, membr: []}]\n", "membr"),
        ("symbols: [{symbol: A, member: [{to: 2019-01-02}]}]\n", "from"),
        ("symbols: [{name: Apple}]\n", "symbol"),
    ],
)
def test_a_universe_that_makes_no_sense_is_refused_with_its_file(
    tmp_path: Path, symbols: str, says: str
) -> None:
    with pytest.raises(BadConfiguration) as refused:
        universe(tmp_path, symbols)
    assert says in str(refused.value)
    assert "universe.yaml: symbols" in str(refused.value)


def test_the_checkouts_own_universe_is_read() -> None:
    assert read_universe(CHECKOUT / "conf").names_between() == ()
