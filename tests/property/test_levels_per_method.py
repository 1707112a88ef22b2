"""A method's levels and events are its own: which other methods there are changes nothing of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lake.levels.batch import Found
from lake.levels.registry import BUILT_IN, methods
from lake.market.bars import Bars
from tests.levels import find_all
from tests.property.test_levels_lookahead import walks


def said(found: Found, method: str) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return certificates and events of one method."""
    levels = [asdict(level) for level in found.levels if level.method == method]
    return levels, [event for event in found.events if event.method == method]


@settings(max_examples=30, deadline=None)
@given(walks, st.sets(st.sampled_from(BUILT_IN), min_size=1))
def test_each_method_says_the_same_alone_and_beside_others(bars: Bars, names: set[str]) -> None:
    beside = find_all(bars, {name: methods()[name] for name in BUILT_IN if name in names})
    assert {level.method for level in beside.levels} <= names
    for name in names:
        alone = find_all(bars, {name: methods()[name]})
        assert said(beside, name) == said(alone, name)
