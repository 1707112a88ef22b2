"""However rows are cut into loads, in whatever order these come, they end with the same verdicts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.config import CHECKOUT, load_settings
from lake.market.sessions import calendar
from lake.sources.base import Fetched, IngestRequest
from lake.steps import ingest as step
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.deliveries import delivery

SOURCES = ("files", "yahoo")
"""From the better to the lesser; no two agree, so every row says whose it is."""

DAYS = calendar("XNYS").sessions
START = int(np.searchsorted(DAYS, np.datetime64("2012-01-03")))

SPAN: dict[str, Any] = {"start": date(2011, 1, 1), "end": date(2013, 1, 1)}
"""A load that is said to be one part of the whole: what it lacks has not vanished."""

HELD = """
SELECT symbol, timeframe, ts, source, close, quality, quality_reason FROM bars ORDER BY ALL;
SELECT symbol, ex_date, kind, source, value, quality, quality_reason, is_applied FROM actions ORDER BY ALL
"""


@dataclass(frozen=True)
class Load:
    """What one delivery of a source has: a timeframe's closes by their start, and actions."""

    source: str
    timeframe: str
    closes: dict[np.datetime64, float] = field(default_factory=dict)
    actions: dict[tuple[date, str], float] = field(default_factory=dict)

    def offered(self, request: IngestRequest) -> Sequence[str]:
        return ["ACME"]

    def fetch(self, request: IngestRequest, symbols: Sequence[str]) -> Iterator[Fetched]:
        yield delivery(
            "ACME", [(ts, close, 1000.0) for ts, close in sorted(self.closes.items())], self.actions
        )

    def divided(self, parts: Sequence[int]) -> list[Load]:
        """Return loads that have these rows between them, `parts` saying which has which."""
        loads = {part: Load(self.source, self.timeframe) for part in parts}
        rows = [("closes", *each) for each in sorted(self.closes.items())]
        rows += [("actions", *each) for each in sorted(self.actions.items())]
        for number, (name, key, value) in enumerate(rows):
            getattr(loads[parts[number % len(parts)]], name)[key] = value
        return list(loads.values())


@st.composite
def histories(draw: st.DrawFn) -> list[Load]:
    """Return the rows of both sources, with steps and repeats, splits real and not, and wide gaps."""
    loads = []
    for rank, source in enumerate(SOURCES):
        factors = st.sampled_from([1.0, 1.0, 1.0, 1.0, 1.01, 0.5, 0.1, 2.0])
        for timeframe, width in (("1d", 60), ("15m", 12)):
            places = draw(st.lists(st.integers(0, width), min_size=2, max_size=30, unique=True))
            closes = {
                _start(place, timeframe): 100.0 * draw(factors) + rank + (timeframe == "15m") / 2
                for place in places
            }
            loads.append(Load(source, timeframe, closes))
        days = st.integers(0, 60).map(lambda place: DAYS[START + place].item())
        kinds, values = st.sampled_from(["split", "dividend"]), st.sampled_from([0.5, 2.0, 3.0, 30.0])
        actions = draw(st.dictionaries(st.tuples(days, kinds), values, max_size=4))
        loads.append(Load(source, "1d", {}, {key: value + rank / 10 for key, value in actions.items()}))
    return loads


def _start(place: int, timeframe: str) -> np.datetime64:
    """Return the start of a bar: of each fifth session four candles."""
    if timeframe == "1d":
        return DAYS[START + place]
    days = calendar("XNYS")
    opens_at = days.opens_at[START + place // 4 * 5]
    return np.datetime64(opens_at, "m") + np.timedelta64(15 * (place % 4), "m")


def write_conf(folder: Path) -> None:
    """Write settings by which verdicts look back a week, so that a few bars show its edges."""
    for name in ("conf", "sql"):
        shutil.copytree(CHECKOUT / name, folder / name)
    file = folder / "conf/quality.yaml"
    limits: dict[str, Any] = yaml.safe_load(file.read_text())
    limits |= {"window_days": 8, "intraday_window_days": 8}
    limits["bars"] |= {"least_returns": 2, "jump_medians": 2}
    limits["dividends"] |= {"least_neighbours": 1, "neighbour_days": 30}
    file.write_text(yaml.safe_dump(limits))


def held_after(folder: Path, name: str, loads: Sequence[Load]) -> list[list[tuple[Any, ...]]]:
    """Return bars and actions, with their quality, of a lake into which these were loaded in turn."""
    own = load_settings(lake_home=str(folder), lake_root=str(folder / name))
    for load in loads:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(step, "open_source", lambda *_, load=load, **__: load)
            request = IngestRequest(load.source, symbols=("ACME",), timeframe=load.timeframe, **SPAN)
            step.ingest(own, request, load)
    con = connect(Lake.open(own))
    return [con.execute(query).fetchall() for query in HELD.split(";")]


def check(history: list[Load], parts: Sequence[int], chance: np.random.Generator) -> None:
    """Assert that a history loaded whole, and in parts in some order, comes to the same."""
    cut = [part for load in history for part in load.divided(parts)]
    order = [cut[number] for number in chance.permutation(len(cut))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_conf(folder)
        assert held_after(folder, "cut", order) == held_after(folder, "whole", history)


PARTS = st.lists(st.integers(0, 2), min_size=1, max_size=9)


@settings(max_examples=5)
@given(histories(), PARTS, st.integers(0, 1000).map(np.random.default_rng))
def test_parts_in_any_order_come_to_the_same(
    history: list[Load], parts: list[int], chance: np.random.Generator
) -> None:
    check(history, parts, chance)


@pytest.mark.slow
@settings(max_examples=60)
@given(histories(), PARTS, st.integers(0, 1000).map(np.random.default_rng))
def test_many_parts_in_any_order_come_to_the_same(
    history: list[Load], parts: list[int], chance: np.random.Generator
) -> None:
    check(history, parts, chance)
