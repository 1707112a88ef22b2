"""Laws of the verdict on bars: nothing looks ahead, batches do not matter, known mutations are caught."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.config import CHECKOUT
from lake.market.bars import VALUES, Actions
from lake.market.quality import check_values
from lake.market.sessions import calendar
from lake.market.suspect_actions import judge_split
from lake.market.suspect_bars import Series, suspect_bars
from lake.thresholds import read_thresholds
from tests.builders import actions as actions_of

LIMITS = read_thresholds(CHECKOUT / "conf")
DAYS = calendar("XNYS").sessions
START = int(np.searchsorted(DAYS, np.datetime64("2010-01-04")))


def walk(seed: int, count: int, is_split_basis: bool = False) -> Series:
    """Return a plausible history: daily moves of about 1.5%, volumes of about a million."""
    chance = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(chance.normal(0, 0.015, count)))
    open_ = close * np.exp(chance.normal(0, 0.004, count))
    day = DAYS[START : START + count]
    return Series(
        ts=day.astype("datetime64[us]"),
        session=day,
        open=open_,
        high=np.maximum(open_, close) * 1.005,
        low=np.minimum(open_, close) * 0.995,
        close=close,
        volume=np.round(1e6 * np.exp(chance.normal(0, 0.3, count))),
        is_split_basis=np.full(count, is_split_basis),
        applied_split=np.ones(count),
        adj_close=np.full(count, np.nan),
    )


def altered(bars: Series, rows: Any, **changes: Any) -> Series:
    """Return bars with some columns of some rows changed by functions."""
    from dataclasses import replace

    columns = {name: getattr(bars, name).copy() for name in changes}
    for name, change in changes.items():
        columns[name][rows] = change(columns[name][rows])
    return replace(bars, **columns)


def scaled(bars: Series, rows: Any, factor: float) -> Series:
    """Return bars whose prices in some rows are multiplied."""
    prices = ("open", "high", "low", "close")
    return altered(bars, rows, **dict.fromkeys(prices, lambda values: values * factor))


def verdict(bars: Series, actions: Actions | None = None) -> list[str]:
    return list(suspect_bars(bars, actions or Actions.none(), "1d", LIMITS))


wild = st.lists(
    st.tuples(st.integers(1, 119), st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0, 2.0, 100.0])), max_size=8
)


@given(seed=st.integers(0, 2**32 - 1), changes=wild, cut=st.integers(1, 120))
@settings(max_examples=60, deadline=None)
def test_a_verdict_hangs_on_no_later_bar(seed: int, changes: list[tuple[int, float]], cut: int) -> None:
    bars = walk(seed, 120)
    for row, factor in changes:
        bars = (
            altered(bars, row, volume=lambda value: value * 0)
            if factor == 0
            else scaled(bars, slice(row, None), factor)
        )
    splits = actions_of(
        splits=[(str(bars.session[row]), 2.0) for row, factor in changes if factor == 0.5][:1]
    )
    assert verdict(bars[:cut], splits) == verdict(bars, splits)[:cut]


MUTATIONS = (
    "100x",
    "block of 100x",
    "10x",
    "missing split",
    "split twice",
    "swapped columns",
    "repeated day",
)


def check_mutation(kind: str, seed: int, row: int) -> None:
    bars = walk(seed, 120)
    if kind in ("100x", "10x"):
        factor = {"100x": 100.0, "10x": 0.1}[kind]
        found = verdict(scaled(bars, row, factor))
        assert found[row] == found[row + 1] == f"step_{kind}"
        assert not any(found[:row]) and not any(found[row + 2 :])
    elif kind == "block of 100x":
        found = verdict(scaled(bars, slice(row, row + 5), 0.01))
        assert [number for number, why in enumerate(found) if why] == [row, row + 5]
    elif kind == "missing split":
        # As traded, the price halves, and no split is recorded for it.
        assert verdict(scaled(bars, slice(row, None), 0.5))[row] == "jump"
        day = str(bars.session[row])
        recorded = actions_of(splits=[(day, 2.0)])
        assert not any(verdict(scaled(bars, slice(row, None), 0.5), recorded))
        # Recorded, and the prices do not show it.
        assert "split_missing" in verdict(bars, recorded)[row]
        assert judge_split(bars, recorded, 0, LIMITS).reasons == ("split_not_shown",)
    elif kind == "split twice":
        twice = altered(walk(seed, 120, True), row, applied_split=lambda value: value * 1.5)
        twice = scaled(twice, slice(row, None), 1 / 1.5)
        assert "split_step" in verdict(twice)[row]
    elif kind == "swapped columns":
        swapped = altered(bars, row, high=lambda _: bars.low[row], low=lambda _: bars.high[row])
        swapped = altered(swapped, row + 1, close=lambda _: bars.volume[row + 1])
        impossible = check_values(*(getattr(swapped, name) for name in VALUES)).impossible
        assert list(np.flatnonzero(impossible != "")) == [row, row + 1]
    else:
        same = {name: (lambda _, name=name: getattr(bars, name)[row - 1]) for name in VALUES}
        assert verdict(altered(bars, row, **same))[row] == "repeat"


@pytest.mark.parametrize("kind", MUTATIONS)
@given(seed=st.integers(0, 2**32 - 1), row=st.integers(30, 110))
@settings(max_examples=15, deadline=None)
def test_every_known_mutation_of_clean_data_is_caught(kind: str, seed: int, row: int) -> None:
    check_mutation(kind, seed, row)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_a_plausible_history_raises_no_alarm(seed: int) -> None:
    assert not any(verdict(walk(seed, 400)))


@given(shift_hours=st.integers(1, 23))
@settings(max_examples=15, deadline=None)
def test_days_in_another_zone_are_set_aside(shift_hours: int) -> None:
    import pyarrow as pa

    from lake.sources.base import ACTIONS_SCHEMA, BARS_SCHEMA, Fetched, IngestRequest
    from lake.sources.intake import take_in  # the calendar decides, so the check is ingestion's own
    from tests.unit.test_intake import GOOD, NOW

    ts = [
        (day.astype("datetime64[us]") - np.timedelta64(shift_hours, "h")).item()
        for day in DAYS[START : START + 5]
    ]
    rows = [{**GOOD, "ts": moment.replace(tzinfo=NOW.tzinfo), "delivered": None} for moment in ts]
    fetched = Fetched(
        "AAPL", None, pa.Table.from_pylist(rows, schema=BARS_SCHEMA), ACTIONS_SCHEMA.empty_table()
    )
    intake = take_in(fetched, IngestRequest("files"), calendar("XNYS"), NOW)
    assert intake.bars.num_rows == 0
    assert set(intake.quarantine["reason"].to_pylist()) <= {"misaligned", "off_session"}


@given(
    seed=st.integers(0, 2**32 - 1),
    cuts=st.sets(st.integers(1, 89), max_size=3),
    changes=st.lists(
        st.tuples(st.integers(1, 89), st.sampled_from([0.0, 0.01, 0.5, 2.0, 100.0])), max_size=4
    ),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_batch_and_many_give_the_same_verdicts_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cuts: set[int], changes: Any, order: Any
) -> None:
    from lake.config import load_settings
    from lake.steps.ingest import default_request, ingest
    from lake.store.catalog import connect
    from lake.store.lake import Lake

    bars = walk(seed, 90)
    for row, factor in changes:
        bars = (
            altered(bars, row, volume=lambda value: value * 0)
            if factor == 0
            else scaled(bars, slice(row, None), factor)
        )
    lines = [
        f"AAPL,{bars.session[i]}," + ",".join(repr(float(getattr(bars, name)[i])) for name in VALUES)
        for i in range(90)
    ]
    edges = [0, *sorted(cuts), 90]
    batches = [lines[start:end] for start, end in pairwise(edges)]
    order.shuffle(batches)

    def verdicts(parts: list[list[str]]) -> Any:
        folder: Path = tmp_path_factory.mktemp("batches")
        own = load_settings(lake_root=str(folder / "lake"))
        for number, part in enumerate(parts):
            path = folder / f"{number}.csv"
            path.write_text("\n".join(["symbol,ts,open,high,low,close,volume", *part]) + "\n")
            ingest(own, default_request(own, source="files", path=str(path)))
        query = "SELECT ts, quality, quality_reason FROM bars ORDER BY ts"
        return connect(Lake.open(own)).execute(query).fetchall()

    assert verdicts(batches) == verdicts([lines])
