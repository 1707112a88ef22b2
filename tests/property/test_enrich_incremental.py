"""Days appended, corrected, filled in, taken away, splits, in any order: features are those of a full run."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.config import Settings, load_settings
from lake.steps.enrich import enrich_features
from lake.steps.verify import verify
from lake.store.digest import digest
from lake.store.lake import Lake
from lake.store.tables import TABLES
from tests.builders import bar_rows, sessions

SYMBOLS = ("A", "B")
DAYS = sessions("2019-01-02", 320)
FIRST, LAST = 20, 270
"""Places of the first and last day that the lake begins with; those in `LEFT_OUT` come later or never."""

LEFT_OUT = (60, 61, 200)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

places = st.integers(0, len(DAYS) - 1)
closes = st.sampled_from([5.0, 99.99, 100.0, 100.01, 173.0])
bars = st.fixed_dictionaries(
    {
        "place": places,
        "close": closes,
        "is_complete": st.sampled_from([True, True, True, False]),
        "price_basis": st.sampled_from(["raw", "raw", "raw", "split"]),
    }
)
steps = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 3), closes),
    st.tuples(st.just("land"), st.lists(bars, min_size=1, max_size=3, unique_by=lambda bar: bar["place"])),
    st.tuples(st.just("discard"), places),
    st.tuples(st.just("split"), places, st.sampled_from([2.0, 3.0, 1.5, 0.1])),
    st.tuples(st.just("no split"), places),
    st.tuples(st.just("enrich"), st.sampled_from([SYMBOLS, SYMBOLS[:1]])),
    st.tuples(st.just("between"), places, places),
)
histories = st.lists(
    st.tuples(
        steps,
        st.sampled_from(SYMBOLS),
        # A killed ingest that is finished lands its rows under the time at which it first began.
        st.sampled_from([0, 0, 0, -3]),
    ),
    min_size=1,
    max_size=8,
)


class Market:
    """A lake, and the steps that may happen to it."""

    def __init__(self, config: Settings) -> None:
        self.config, self.lake = config, Lake.open(config)
        self.last = dict.fromkeys(SYMBOLS, LAST)
        self.hour = 0

    def take(self, step: tuple[Any, ...], symbol: str, late: int) -> None:
        """Do one step."""
        self.hour += 1
        known_at = BEGAN + timedelta(hours=self.hour + late, microseconds=self.hour)
        match step:
            case "append", int(count), float(close):
                days = DAYS[self.last[symbol] + 1 :][:count]
                self.last[symbol] += len(days)
                self.land([_bar(symbol, day, close) for day in days], known_at)
            case "land", rows:
                self.land([_bar(symbol, DAYS[row.pop("place")], **row) for row in map(dict, rows)], known_at)
            case "discard", int(place):
                key = bar_rows(_bar(symbol, DAYS[place], 1.0)).select(["symbol", "timeframe", "ts", "year"])
                self.lake.upsert("bars", bar_rows(), known_at, vanished=key)
            case "split", int(place), float(ratio):
                self.lake.upsert("actions", _split(symbol, DAYS[place], ratio), known_at)
            case "no split", int(place):
                key = _split(symbol, DAYS[place], 1.0).select(["symbol", "ex_date", "kind"])
                self.lake.upsert("actions", _split(symbol, DAYS[0], 1.0).slice(0, 0), known_at, vanished=key)
            case "enrich", symbols:
                enrich_features(self.config, symbols, ["1d"])
            case "between", int(one), int(other):
                first, last = sorted(date.fromisoformat(DAYS[place]) for place in (one, other))
                enrich_features(self.config, [symbol], ["1d"], first, last if last > first else None)

    def land(self, rows: list[dict[str, Any]], known_at: datetime) -> None:
        """Merge bars."""
        self.lake.upsert("bars", bar_rows(*rows), known_at)


def _bar(symbol: str, day: str, close: float, **changes: Any) -> dict[str, Any]:
    spread = {"open": close * 0.99, "high": close * 1.02, "low": close * 0.98, "volume": close * 10}
    return {"symbol": symbol, "day": day, "close": close, **spread, **changes}


def _split(symbol: str, day: str, ratio: float) -> pa.Table:
    row = {"symbol": symbol, "ex_date": date.fromisoformat(day), "kind": "split", "value": ratio}
    row |= {"currency": "USD", "quality": "ok", "quality_reason": None, "source": "files"}
    schema = [each for each in TABLES["actions"].schema if each.name not in ("known_at", "superseded_at")]
    return pa.Table.from_pylist([row], schema=pa.schema(schema))


@pytest.fixture(scope="module")
def beginning() -> Iterator[Path]:
    """Give a lake of two symbols with a year of enriched days."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_settings(lake_root=folder)
        lake, chance = Lake.open(config), np.random.default_rng(7)
        names = pa.table(
            {"symbol": list(SYMBOLS), "exchange": ["XNYS"] * 2, "zone": ["America/New_York"] * 2}
        )
        nothing = {name: pa.nulls(2, pa.string()) for name in ("name", "currency", "aliases")}
        dates = {name: pa.nulls(2, pa.date32()) for name in ("listed", "delisted")}
        rows = pa.table({**dict(zip(names.column_names, names.columns, strict=True)), **nothing, **dates})
        lake.upsert("symbols", rows, BEGAN)
        held = [place for place in range(FIRST, LAST + 1) if place not in LEFT_OUT]
        for symbol in SYMBOLS:
            walk = np.round(100 * np.exp(np.cumsum(chance.normal(0, 0.02, len(held)))), 2)
            lake.upsert(
                "bars",
                bar_rows(*[_bar(symbol, DAYS[p], float(c)) for p, c in zip(held, walk, strict=True)]),
                BEGAN,
            )
        enrich_features(config, timeframes=["1d"])
        yield Path(folder)


def _features(lake: Lake) -> str:
    rows = lake.table("features").to_pyarrow_table().select(TABLES["features"].schema.names)
    return digest(rows.cast(TABLES["features"].schema), order_by=TABLES["features"].key)


def incremental_equals_full(beginning: Path, history: list[tuple[tuple[Any, ...], str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(beginning, folder, dirs_exist_ok=True)
        config = load_settings(lake_root=folder)
        market = Market(config)
        for step, symbol, late in history:
            market.take(step, symbol, late)
        enrich_features(config, timeframes=["1d"])
        incremental, version = _features(market.lake), market.lake.table("features").version()

        again = enrich_features(config, timeframes=["1d"])
        assert (again["series"], again["written"]) == (0, 0)
        assert market.lake.table("features").version() == version

        enrich_features(config, timeframes=["1d"], full=True)
        assert _features(market.lake) == incremental
        assert all(audit.is_clean for audit in verify(config) if audit.name == "features_have_bars")


@settings(max_examples=8)
@given(history=histories)
def test_features_after_any_history_are_those_of_a_full_run(
    beginning: Path, history: list[tuple[tuple[Any, ...], str, int]]
) -> None:
    incremental_equals_full(beginning, history)


@pytest.mark.slow
@settings(max_examples=200)
@given(history=histories)
def test_features_after_two_hundred_histories_are_those_of_a_full_run(
    beginning: Path, history: list[tuple[tuple[Any, ...], str, int]]
) -> None:
    incremental_equals_full(beginning, history)
