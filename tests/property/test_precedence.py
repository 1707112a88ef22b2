"""In whatever order sources are loaded, a lower one changes nothing of a higher one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.config import Settings, load_settings
from lake.sources.base import Fetched, IngestRequest
from lake.steps import ingest as step
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.builders import sessions
from tests.deliveries import delivery

DAYS = sessions("2012-01-03", 60)
SOURCES = ("files", "yahoo", "sample")
"""From the best to the least."""

BARS = "SELECT * EXCLUDE (known_at) FROM bars WHERE {} ORDER BY ts"
ACTIONS = "SELECT * EXCLUDE (known_at) FROM actions WHERE {} ORDER BY ex_date, kind"


@dataclass(frozen=True)
class Load:
    """What one source delivers: days, its own level of prices on each, and actions."""

    source: str
    closes: dict[int, float]
    actions: dict[tuple[int, str], float]

    def offered(self, request: IngestRequest) -> Sequence[str]:
        return ["ACME"]

    def fetch(self, request: IngestRequest, symbols: Sequence[str]) -> Iterator[Fetched]:
        bars = [(np.datetime64(DAYS[day]), close, 1000.0 + day) for day, close in sorted(self.closes.items())]
        actions = {
            (date.fromisoformat(DAYS[day]), kind): value for (day, kind), value in self.actions.items()
        }
        yield delivery("ACME", bars, actions)


def loads(source: str) -> st.SearchStrategy[Load]:
    """Return deliveries of a source; no two sources ever agree, so every row says whose it is."""
    base = 100.0 + 3 * SOURCES.index(source)
    factors = st.sampled_from([1.0, 1.0, 1.0, 1.01, 0.5, 0.1, 2.0])
    closes = st.dictionaries(st.integers(0, 59), factors.map(lambda factor: base * factor), min_size=25)
    actions = st.dictionaries(
        st.tuples(st.integers(5, 59), st.sampled_from(["split", "dividend"])),
        st.sampled_from([0.5, 2.0, 3.0]).map(lambda value: value + SOURCES.index(source) / 10),
        max_size=4,
    )
    return st.builds(Load, st.just(source), closes, actions)


def lake_of(folder: str, order: Sequence[Load], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return a lake into which deliveries were ingested one after the other."""
    own = load_settings(lake_root=folder)
    for load in order:
        monkeypatch.setattr(step, "open_source", lambda *_, load=load, **__: load)
        step.ingest(own, IngestRequest(load.source, symbols=("ACME",)), load)
    return own


def held(own: Settings, query: str, condition: str = "true") -> list[tuple[Any, ...]]:
    return connect(Lake.open(own)).execute(query.format(condition)).fetchall()


ALL_LOADS = st.tuples(*(loads(source) for source in SOURCES))


@settings(max_examples=2)
@given(ALL_LOADS, st.permutations(range(3)))
def test_the_order_of_loading_does_not_matter_and_no_lower_source_changes_a_higher_ones_rows(
    given_loads: tuple[Load, ...], order: list[int]
) -> None:
    check(given_loads, [(0, 1, 2), tuple(order)])


@pytest.mark.slow
@settings(max_examples=12)
@given(ALL_LOADS)
def test_no_order_of_loading_matters(given_loads: tuple[Load, ...]) -> None:
    check(given_loads, list(permutations(range(3))))


def check(given_loads: tuple[Load, ...], orders: Sequence[tuple[int, ...]]) -> None:
    """Assert that lakes loaded in these orders are alike, and have of the better sources what those say."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        lakes = [
            lake_of(f"{folder}/{number}", [given_loads[place] for place in order], patch)
            for number, order in enumerate(orders)
        ]
        bars, actions = held(lakes[0], BARS), held(lakes[0], ACTIONS)
        for own in lakes[1:]:
            assert held(own, BARS) == bars
            assert held(own, ACTIONS) == actions
        # What the better ones say is what they say without the lower ones: their verdicts too.
        for count, own in ((1, "source = 'files'"), (2, "source IN ('files', 'yahoo')")):
            better = lake_of(f"{folder}/better-{count}", given_loads[:count], patch)
            assert held(better, BARS) == held(lakes[-1], BARS, own)
            assert held(better, ACTIONS) == held(lakes[-1], ACTIONS, own)


def test_a_lower_source_with_a_dividend_on_a_mistaken_day_does_not_pay_it_twice() -> None:
    closes = dict.fromkeys(range(60), 100.0)
    good = Load("files", closes, {(30, "dividend"): 0.5})
    for day in (28, 32):
        late = Load("sample", {}, {(day, "dividend"): 0.5, (50, "dividend"): 0.5})
        late.closes.update(closes)
        for order in ((good, late), (late, good)):
            with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
                own = lake_of(folder, order, patch)
                found = held(own, "SELECT ex_date::VARCHAR, is_applied FROM actions WHERE {} ORDER BY 1")
            assert dict(found) == {DAYS[30]: True, DAYS[day]: False, DAYS[50]: True}
