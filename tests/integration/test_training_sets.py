"""Training sets over a lake of real sample bars."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from lake.config import Settings, load_settings
from lake.errors import BadInput, StoreUnavailable, UnknownSymbol
from lake.steps.ingest import default_request, ingest
from lake.steps.training import (
    build_training_set,
    diff_training_sets,
    list_training_sets,
    rebuild_training_set,
)
from lake.store.lake import Lake
from lake.training.folder import TrainingFolder
from tests.builders import bar_rows
from tests.lakes import table_versions

SYMBOLS = ["AAPL", "IBM", "MSFT"]


def sampled(root: Path) -> Settings:
    settings = load_settings(lake_root=str(root))
    ingest(settings, default_request(settings, source="sample", symbols=SYMBOLS))
    return settings


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a lake with sample bars, which tests of this module only add sets to."""
    return sampled(tmp_path_factory.mktemp("training") / "lake")


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """Return the settings of a lake with sample bars that a test may change."""
    return sampled(tmp_path / "lake")


def files_of(settings: Settings) -> dict[str, bytes]:
    folder = Path(settings.lake_root) / "training"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def manifest_of(settings: Settings, training_set_id: str) -> dict[str, object]:
    manifest = TrainingFolder(settings.lake_root).manifest(training_set_id)
    assert manifest is not None
    return manifest


def restate(settings: Settings, close: float) -> None:
    """Bring another version of one bar of AAPL."""
    closes_at = datetime(2012, 6, 1, 20, tzinfo=UTC)
    rows = bar_rows({"symbol": "AAPL", "day": "2012-06-01", "close": close, "closes_at": closes_at})
    lake = Lake.open(settings)
    with lake.writing("bars"):
        known_at = lake.stamp("bars", datetime.now(UTC))
        lake.upsert("bars", rows, known_at)


def test_a_set_is_a_folder_with_three_files_and_a_manifest(sample: Settings) -> None:
    built = build_training_set(sample)
    folder = Path(built["path"])
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "test.parquet",
        "train.parquet",
        "validation.parquet",
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    for split in ("train", "validation", "test"):
        rows = pq.read_table(folder / f"{split}.parquet")
        assert rows.num_rows == built[f"rows_{split}"] == manifest["splits"][split]["rows"]
        ends = pc.max(rows["label_20_ends_at"]).as_py()
        assert ends == datetime.fromisoformat(manifest["splits"][split]["last_label_ends_at"])
    assert sorted(manifest["universe"]) == SYMBOLS
    assert manifest["training_set_id"] == built["training_set_id"] == folder.name
    assert list(manifest["scaler"]) == [feature["name"] for feature in manifest["features"]]


def test_the_embargo_is_no_shorter_than_the_longest_label(sample: Settings) -> None:
    built = build_training_set(sample, horizons=(1, 20))
    manifest = manifest_of(sample, built["training_set_id"])
    assert manifest["parameters"]["embargo_bars"] == 21  # type: ignore[index]
    train, validation = (pq.read_table(f"{built['path']}/{name}.parquet") for name in ("train", "validation"))
    gap = pc.min(validation["closes_at"]).as_py() - pc.max(train["label_20_ends_at"]).as_py()
    assert gap > timedelta(days=28)  # 20 sessions are four weeks


def test_building_again_writes_nothing(sample: Settings) -> None:
    first = build_training_set(sample)
    versions, files = table_versions(sample), files_of(sample)
    again = build_training_set(sample)
    assert again == {**first, "is_new": False}
    assert (table_versions(sample), files_of(sample)) == (versions, files)


def test_other_symbols_horizons_or_dates_are_other_sets(sample: Settings) -> None:
    ids = {
        build_training_set(sample, **changes)["training_set_id"]  # type: ignore[arg-type]
        for changes in (
            {},
            {"symbols": ["IBM"]},
            {"horizons": (5,)},
            {"start": date(2005, 1, 3)},
            {"end": date(2011, 12, 30)},
        )
    }
    assert len(ids) == 5
    assert ids <= {row["training_set_id"] for row in list_training_sets(sample)}


def test_a_set_is_rebuilt_from_its_pins_after_the_lake_has_moved_on(own: Settings) -> None:
    built = build_training_set(own)
    restate(own, 700.0)
    newer = build_training_set(own)
    assert newer["content_hash"] != built["content_hash"]
    again = rebuild_training_set(own, built["training_set_id"])
    assert again["is_same"]
    assert again["content_hash"] == built["content_hash"]
    found = diff_training_sets(own, built["training_set_id"], newer["training_set_id"])["differences"]
    assert {name.split(".")[1] for name in found if name.startswith("universe.")} == {"AAPL"}
    assert "pins.bars_known_at" in found


def test_a_set_as_of_a_moment_is_the_set_that_was_built_then(own: Settings) -> None:
    built = build_training_set(own)
    moment = datetime.now(UTC)
    restate(own, 700.0)
    assert build_training_set(own, as_of=moment)["training_set_id"] == built["training_set_id"]


def test_a_moment_before_the_first_load_sees_only_bars_closed_by_then_and_says_so(sample: Settings) -> None:
    built = build_training_set(sample, as_of=datetime(2010, 6, 30, tzinfo=UTC))
    pins = manifest_of(sample, built["training_set_id"])["pins"]
    assert pins["is_known_at_assumed"]  # type: ignore[index]
    rows = pq.read_table(f"{built['path']}/test.parquet")
    assert pc.max(rows["label_1_ends_at"]).as_py() < datetime(2010, 6, 30, tzinfo=UTC)
    assert rebuild_training_set(sample, built["training_set_id"])["is_same"]


def test_lost_files_are_restored_by_a_rebuild(own: Settings) -> None:
    built = build_training_set(own)
    before = files_of(own)
    for path in Path(built["path"]).iterdir():
        path.unlink()
    assert rebuild_training_set(own, built["training_set_id"])["is_same"]
    after = files_of(own)
    assert after.keys() == before.keys()
    assert all(after[name] == before[name] for name in before if name.endswith(".parquet"))


_KILLED = """
import os, signal, sys
from lake.config import load_settings
from lake.steps import training as step
from lake.training import folder

settings = load_settings(lake_root=sys.argv[1])

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def die_before(name):
    real = folder.TrainingFolder.seal
    def seal(self, *arguments):
        move = self._files.move
        class Files:
            def __getattr__(inner, attribute):
                return getattr(self_files, attribute)
            def move(inner, source, target):
                if target.endswith(name):
                    die()
                move(source, target)
        self_files = self._files
        self._files = Files()
        real(self, *arguments)
    folder.TrainingFolder.seal = seal

if sys.argv[2] == "row":
    step._enter = die
else:
    die_before(sys.argv[2])
step.build_training_set(settings)
"""


@pytest.mark.parametrize("place", ["train.parquet", "test.parquet", "manifest.json", "row"])
def test_a_killed_build_leaves_nothing_to_see_and_the_next_heals_it(own: Settings, place: str) -> None:
    process = subprocess.run([sys.executable, "-c", _KILLED, own.lake_root, place], check=False)
    assert process.returncode == -9
    assert list_training_sets(own) == []
    built = build_training_set(own)
    assert built["is_new"]
    assert len(list_training_sets(own)) == 1
    assert not list(Path(own.lake_root).glob("training/_building*"))
    again = build_training_set(own)
    assert again == {**built, "is_new": False}


_BUILD = """
import sys
from lake.config import load_settings
from lake.steps.training import build_training_set
build_training_set(load_settings(lake_root=sys.argv[1]))
"""


def test_two_builds_at_once_end_with_one_set(own: Settings) -> None:
    command = [sys.executable, "-c", _BUILD, own.lake_root]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert len(list_training_sets(own)) == 1
    assert not build_training_set(own)["is_new"]


def test_bad_requests_are_refused_in_one_sentence(sample: Settings, settings: Settings) -> None:
    with pytest.raises(UnknownSymbol, match="NOPE"):
        build_training_set(sample, symbols=["NOPE"])
    with pytest.raises(BadInput, match="swap them"):
        build_training_set(sample, start=date(2012, 1, 1), end=date(2011, 1, 1))
    with pytest.raises(BadInput, match="timeframe"):
        build_training_set(sample, timeframe="2h")
    with pytest.raises(BadInput, match="found none"):
        build_training_set(sample, timeframe="5m")
    with pytest.raises(BadInput, match="ingest"):
        build_training_set(settings)
    with pytest.raises(BadInput, match="lake training list"):
        rebuild_training_set(sample, "0123456789abcdef")


def test_a_folder_that_cannot_be_written_is_named(own: Settings) -> None:
    blocker = Path(own.lake_root) / "training"
    blocker.write_text("in the way")
    with pytest.raises(StoreUnavailable, match="LAKE_ROOT"):
        build_training_set(own)
