"""Sorted tables lie in files of some symbols each, and who asks for few symbols opens few of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from lake.config import Settings
from lake.store import compaction
from lake.store.catalog import connect
from lake.store.compaction import sort_files
from lake.store.digest import digest
from lake.store.files import entries_of, entry_path, local_path
from lake.store.lake import Lake
from lake.store.narrow import only
from lake.store.reads import read_hashed
from lake.store.tables import TABLES
from tests.builders import bar_rows, sessions

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = replace(TABLES["bars"], file_bytes=400_000)
NAMES = [f"S{number:03}" for number in range(150)]
DAYS = sessions("2012-01-03", 200)


def of_all(days: Sequence[str], names: Sequence[str] = NAMES, seed: int = 0) -> pa.Table:
    """Return random bars of some days, day by day, each with the bars of all symbols."""
    one = bar_rows(*({"symbol": "A", "day": day, "close": 1.0} for day in days))
    rows = pa.concat_tables(
        one.set_column(0, "symbol", pa.repeat(name, one.num_rows).cast(pa.string())) for name in names
    )
    chance = np.random.default_rng(seed)
    for price in ("open", "high", "low", "close", "volume"):
        values = pa.array(chance.uniform(1, 2, rows.num_rows))
        rows = rows.set_column(rows.column_names.index(price), price, values)
    return rows.sort_by([("ts", "ascending"), ("symbol", "ascending")])


@pytest.fixture
def lake(settings: Settings) -> Lake:
    """Return a lake of one year whose files hold all symbols each, some bars with an older version."""
    lake = Lake.open(settings)
    for number, days in enumerate((DAYS[:150], DAYS[150:199], DAYS[199:])):
        lake.upsert("bars", of_all(days), T0 + timedelta(hours=number))
    lake.upsert("bars", of_all(DAYS[:1], NAMES[70:80], seed=1), T0 + timedelta(days=1))
    return lake


def files(lake: Lake) -> dict[str, tuple[str, str]]:
    """Return the first and last symbol of each file."""
    table = lake.table("bars")
    entries = entries_of(table).to_pylist()
    return {entry_path(table, each["path"]): (each["min.symbol"], each["max.symbol"]) for each in entries}


def rows_of(lake: Lake) -> str:
    rows = connect(lake).execute("SELECT * FROM lake.bars").to_arrow_table()
    return digest(rows, order_by=("symbol", "ts", "known_at"))


def histories(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, list[float]]:
    return {bars.symbol: bars.close.tolist() for bars, _, _ in read_hashed(con, "1d", names)}


def test_sorted_files_share_no_symbols_but_their_ends_and_are_left_as_they_are(lake: Lake) -> None:
    before, held = files(lake), rows_of(lake)
    assert sort_files(lake.table("bars"), SPEC) == len(before)
    spans = sorted(files(lake).values())
    assert len(spans) > 2
    assert all(last <= first for (_, last), (first, _) in pairwise(spans))
    assert rows_of(lake) == held
    version = lake.table("bars").version()
    assert sort_files(lake.table("bars"), SPEC) == 0
    assert lake.table("bars").version() == version


def test_one_file_that_is_too_large_is_cut(lake: Lake) -> None:
    whole = replace(SPEC, file_bytes=10_000_000)
    assert sort_files(lake.table("bars"), whole) > 1
    assert len(files(lake)) == 1
    assert sort_files(lake.table("bars"), whole) == 0
    assert sort_files(lake.table("bars"), SPEC) == 1
    assert len(files(lake)) > 2


def test_a_day_more_is_sorted_in(lake: Lake) -> None:
    sort_files(lake.table("bars"), SPEC)
    lake.upsert("bars", of_all(sessions("2012-12-03", 1)), T0 + timedelta(days=2))
    assert sort_files(lake.table("bars"), SPEC) > 1
    assert sort_files(lake.table("bars"), SPEC) == 0


def test_small_commits_leave_sorted_files_alone(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLES, "bars", SPEC)
    monkeypatch.setattr(compaction, "MANY", 3)
    sort_files(lake.table("bars"), SPEC)
    before = set(files(lake))
    days = sessions("2012-12-03", 8)
    for number, day in enumerate(days):
        lake.upsert("bars", of_all([day], NAMES[:2]), T0 + timedelta(days=2 + number))
    assert len(before - set(files(lake))) <= 1  # the last of them may be small itself
    assert len(files(lake)) < len(before) + len(days)


def test_few_symbols_are_read_from_their_own_files(lake: Lake) -> None:
    expected = histories(connect(lake), NAMES)
    sort_files(lake.table("bars"), SPEC)
    con = connect(lake)
    assert {name: histories(con, [name])[name] for name in NAMES} == expected
    (lost, (first, last)) = next((path, ends) for path, ends in files(lake).items() if "S000" in ends)
    Path(lost).unlink()  # whoever opens it fails
    others = [name for name in NAMES if name > last]
    assert histories(con, others) == {name: expected[name] for name in others}
    with pytest.raises(duckdb.Error, match=Path(lost).name):
        histories(con, [first])


def test_all_files_are_read_again_afterwards(lake: Lake) -> None:
    sort_files(lake.table("bars"), SPEC)
    con = connect(lake)
    count = "SELECT count(*) FROM bars"
    everything = con.execute(count).fetchone()
    with pytest.raises(ZeroDivisionError), only(con, ["S000"]):
        fewer = con.execute(count).fetchone()
        raise ZeroDivisionError
    assert fewer < everything == con.execute(count).fetchone() == (len(NAMES) * len(DAYS),)


def test_symbols_that_no_file_can_hold_have_no_rows(lake: Lake) -> None:
    sort_files(lake.table("bars"), SPEC)
    con = connect(lake)
    with only(con, ["A", "ZZZ"]):
        assert con.execute("SELECT count(*) FROM bars WHERE symbol IN ('A', 'ZZZ')").fetchone() == (0,)


def test_the_log_and_delta_lake_name_the_same_files(lake: Lake) -> None:
    table = lake.table("bars")
    assert set(files(lake)) == {local_path(table, uri) for uri in table.file_uris()}
    assert all(Path(path).exists() for path in files(lake))
