"""Enrich over a lake: what it writes, and after which accidents the result is the same."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from lake.config import Settings, load_settings
from lake.steps import feature_files, pending
from lake.steps.derive import derive_longer_bars
from lake.steps.enrich import enrich_features
from lake.steps.ingest import default_request, ingest
from lake.steps.maintain import maintain
from lake.steps.quarantine import RELEASED, decide
from lake.steps.verify import verify
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.rewrite import ALWAYS, Rewrite
from lake.store.tables import TABLES
from tests.builders import sessions
from tests.lakes import content, lake_process

FRAMES = ["1d", "1wk", "13d"]


@pytest.fixture(scope="module")
def bars_only() -> Iterator[Path]:
    """A lake with the sample's bars, and longer ones, that nobody has enriched."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_settings(lake_root=folder)
        ingest(config, default_request(config, source="sample"))
        derive_longer_bars(config, timeframes=["1wk", "13d"])
        yield Path(folder)


@pytest.fixture
def settings(bars_only: Path, tmp_path: Path) -> Settings:
    """A copy of it."""
    shutil.copytree(bars_only, tmp_path / "lake")
    return load_settings(lake_root=str(tmp_path / "lake"))


def features(settings: Settings) -> str:
    return content(settings)["features"]


def version(settings: Settings) -> int:
    return Lake.open(settings).table("features").version()


def parquet_files(settings: Settings) -> list[Path]:
    return list(Path(settings.lake_root, "features").glob("*/*.parquet"))


@pytest.fixture(scope="module")
def whole(bars_only: Path) -> str:
    """The digest of what one thread, holding one symbol at a time, makes of that lake."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(bars_only, folder, dirs_exist_ok=True)
        config = load_settings(lake_root=folder, lake_threads=1, lake_chunk=1)
        enrich_features(config, timeframes=FRAMES)
        return features(config)


@pytest.mark.parametrize(("threads", "chunk", "file_rows"), [(2, 2, 1_000), (4, 100, 100_000)])
def test_threads_chunks_and_files_do_not_count(
    settings: Settings, whole: str, monkeypatch: pytest.MonkeyPatch, threads: int, chunk: int, file_rows: int
) -> None:
    monkeypatch.setattr(feature_files, "FILE_ROWS", file_rows)
    config = settings.model_copy(update={"lake_threads": threads, "lake_chunk": chunk})
    enrich_features(config, timeframes=FRAMES)
    assert features(config) == whole


def test_a_file_ends_where_too_many_bars_are_held(
    settings: Settings, whole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrich_features(settings, timeframes=["1d"])
    files = len(parquet_files(settings))
    monkeypatch.setattr(feature_files, "FILE_BARS", 1)
    assert enrich_features(settings, timeframes=["1d"], full=True)["series"] > files
    assert len(list(Lake.open(settings).table("features").file_uris())) > files
    enrich_features(settings, timeframes=FRAMES)
    assert features(settings) == whole


def test_a_first_run_is_one_commit_and_one_without_news_is_none(settings: Settings) -> None:
    before = version(settings)
    assert enrich_features(settings, timeframes=FRAMES)["series"] == 15
    assert version(settings) == before + 1
    assert enrich_features(settings, timeframes=FRAMES)["series"] == 0
    assert version(settings) == before + 1


def test_a_killed_run_is_made_up_for(settings: Settings, whole: str) -> None:
    before = version(settings)
    for _ in range(2):
        process = lake_process(Path(settings.lake_root), "enrich", "--timeframe", ",".join(FRAMES))
        left_behind = len(parquet_files(settings))
        while process.poll() is None and len(parquet_files(settings)) == left_behind:
            time.sleep(0.01)
        process.kill()
        process.communicate()
    enrich_features(settings, timeframes=FRAMES)
    assert features(settings) == whole
    assert version(settings) == before + 1  # a run is in the table as a whole or not at all
    assert all(audit.is_clean for audit in verify(settings) if audit.name == "features_have_bars")


def test_rows_that_somebody_removed_come_back_and_nothing_else_is_computed(
    settings: Settings, whole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_files, "FILE_ROWS", 1_000)
    enrich_features(settings, timeframes=FRAMES)
    assert maintain(settings)["features"]["files_compacted"] > 0  # its files are of another writer
    lake = Lake.open(settings)
    table, rewrite = lake.table("features"), Rewrite(lake.root, TABLES["features"])
    rewrite.commit(table, list(rewrite.drop(table, {"1d": {"IBM": ALWAYS}})))
    assert features(settings) != whole
    assert enrich_features(settings, timeframes=FRAMES)["series"] == 1
    assert features(settings) == whole


def test_who_commits_later_from_the_same_version_does_it_again(settings: Settings) -> None:
    lake = Lake.open(settings)
    table, rewrite = lake.table("features"), Rewrite(lake.root, TABLES["features"])
    rows = TABLES["features"].schema.empty_table()
    rows = pa.Table.from_pylist([{"symbol": "A", "timeframe": "1d", "ts": 0, "closes_at": 0}], rows.schema)
    added = [rewrite.write("1d", [rows]) for _ in range(2)]
    rewrite.commit(lake.table("features"), [added[0]])  # type: ignore[list-item]
    with pytest.raises(CommitFailedError):
        rewrite.commit(table, [added[1]])  # type: ignore[list-item]


def test_other_definitions_make_all_rows_out_of_date(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrich_features(settings, timeframes=FRAMES)
    monkeypatch.setattr(pending, "columns_version", lambda: 1)
    counts = enrich_features(settings, timeframes=FRAMES)
    assert counts["series"] == 15
    assert counts["written"] == counts["replaced"] > 0


def test_a_table_of_other_columns_answers_and_is_made_anew(settings: Settings, whole: str) -> None:
    enrich_features(settings, timeframes=FRAMES)
    lake = Lake.open(settings)
    old = lake.table("features").to_pyarrow_table().drop_columns(["sma_7", "inputs"])
    schema = pa.schema([field for field in TABLES["features"].schema if field.name in old.column_names])
    DeltaTable.create(lake.uri("features"), schema, mode="overwrite", partition_by=["timeframe"])
    write_deltalake(lake.uri("features"), old.select(schema.names), mode="append")
    found = connect(lake).execute("SELECT count(*), count(sma_7), count(sma_20) > 0 FROM features")
    assert found.fetchone() == (old.num_rows, 0, True)
    enrich_features(settings, timeframes=FRAMES)
    assert features(settings) == whole


def test_a_row_that_a_person_releases_enters_the_features(settings: Settings, tmp_path: Path) -> None:
    days = sessions("2012-10-31", 60)
    lines = [f"ZZZ,{day},10,10.2,9.9,{11 if place == 30 else 10},50" for place, day in enumerate(days)]
    path = tmp_path / "bars.csv"
    path.write_text("\n".join(["symbol,ts,open,high,low,close,volume", *lines]) + "\n")
    ingest(settings, default_request(settings, source="files", path=str(path)))
    enrich_features(settings, ["ZZZ"], ["1d"])
    con = connect(Lake.open(settings))
    assert con.execute("SELECT count(*) FROM features WHERE symbol = 'ZZZ'").fetchone() == (59,)
    ((held,),) = con.execute("SELECT quarantine_id FROM quarantine WHERE symbol = 'ZZZ'").fetchall()
    decide(settings, [held], RELEASED)
    counts = enrich_features(settings, ["ZZZ"], ["1d"])
    assert (counts["written"], counts["replaced"]) == (30, 29)  # the row, and those after it
    incremental = features(settings)
    enrich_features(settings, ["ZZZ"], ["1d"], full=True)
    assert features(settings) == incremental


def test_rows_between_dates_are_written_alone_and_made_up_for_later(settings: Settings, whole: str) -> None:
    counts = enrich_features(settings, timeframes=FRAMES, start=date(2005, 1, 3), end=date(2005, 12, 30))
    assert 0 < counts["written"] < 2_000
    before = version(settings)
    enrich_features(settings, timeframes=FRAMES, start=date(2005, 1, 3), end=date(2005, 12, 30))
    assert version(settings) == before
    enrich_features(settings, timeframes=FRAMES)
    assert features(settings) == whole
