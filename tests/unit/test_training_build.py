from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lake.errors import BadConfiguration, BadInput
from lake.market.bars import Actions, Bars
from lake.market.sessions import calendar
from lake.training import folder as folders
from lake.training.build import Builder, Contents
from lake.training.columns import features_of
from lake.training.folder import TrainingFolder
from lake.training.lookahead import largest_difference
from lake.training.recipe import Recipe, recipe_of
from lake.training.rows import history_of
from tests.builders import actions, daily_bars, sessions

DAYS = sessions("2008-01-02", 700)
RECIPE = recipe_of(horizons=(1, 5))

History = tuple[Bars, Actions]


def walk(symbol: str, seed: int, days: Sequence[str] = DAYS) -> Bars:
    random = np.random.default_rng(seed)
    closes = 50 * np.exp(np.cumsum(random.normal(0, 0.02, len(days))))
    opens = closes * (1 + random.normal(0, 0.005, len(days)))
    return daily_bars(days, closes, symbol, open=opens, high=closes * 1.03, low=closes * 0.97)


@pytest.fixture(scope="module")
def histories() -> list[History]:
    events = actions(splits=[(DAYS[300], 2.0)], dividends=[(DAYS[350], 0.5), (DAYS[690], 0.5)])
    return [(walk("AAPL", 1), events), (walk("MSFT", 2, DAYS[100:]), actions()), (walk("XOM", 3), actions())]


def built(
    root: Path, histories: list[History], recipe: Recipe = RECIPE
) -> tuple[Contents, dict[str, pa.Table]]:
    def read() -> Iterator[History]:
        return iter(histories)

    days = {bars.symbol: calendar("XNYS") for bars, _ in histories}
    builder = Builder(read, days, recipe, features_of())
    training = TrainingFolder(str(root))
    with training.building(builder.schema()) as writer:
        contents = builder.build(writer)
        writer.close()
        training.seal("one", {})
    splits = ("train", "validation", "test")
    groups = {split: list(training.row_groups("one", split)) for split in splits}
    return contents, {split: pa.concat_tables(found) for split, found in groups.items()}


def changed_after(history: History, day: str) -> History:
    bars, events = history
    later = bars.session > np.datetime64(day)
    return bars.rescaled(np.where(later, 0.37, 1.0)), events


def test_rows_are_those_that_were_counted(tmp_path: Path, histories: list[History]) -> None:
    contents, files = built(tmp_path, histories)
    assert {split: table.num_rows for split, table in files.items()} == dict(contents.rows)
    usable = sum(len(bars) for bars, _ in histories)
    assert sum(contents.rows.values()) + sum(contents.dropped.values()) == usable
    # 199 bars warm sma_200 up, and the last bar has no open after it to trade from.
    assert contents.dropped["warm_up"] == 3 * 199
    assert contents.dropped["unlabelled"] == 3 * 2


def test_every_train_label_ends_before_validation_begins(tmp_path: Path, histories: list[History]) -> None:
    _, files = built(tmp_path, histories)
    for earlier, later in (("train", "validation"), ("validation", "test")):
        ends = np.max(files[earlier]["label_5_ends_at"].to_numpy())
        assert ends < np.min(files[later]["closes_at"].to_numpy())


def test_features_are_never_missing_and_labels_are_null_where_there_is_none(
    tmp_path: Path, histories: list[History]
) -> None:
    _, files = built(tmp_path, histories)
    names = [feature.name for feature in features_of()]
    for table in files.values():
        assert all(np.isfinite(table[name].to_numpy()).all() for name in names)
    assert files["train"]["label_5"].null_count == 0
    assert files["test"]["label_5"].null_count == files["test"]["label_5_ends_at"].null_count == 3 * 4


def test_prices_are_relative_to_the_close_so_that_a_split_leaves_no_step(
    tmp_path: Path, histories: list[History]
) -> None:
    bars, events = histories[0]
    as_if_split_before = bars.rescaled(np.where(bars.session < np.datetime64(DAYS[300]), 0.5, 1.0))
    plain, with_split = (
        (bars, actions()),
        (as_if_split_before, replace(events, dividends=events.dividends * 0)),
    )
    _, without = built(tmp_path / "a", [plain, *histories[1:]])
    _, split = built(tmp_path / "b", [with_split, *histories[1:]])
    for name in ("ema_169_to_close", "macd_to_close", "rsi_14", "label_5"):
        mine, other = (files["train"][name].to_numpy() for files in (without, split))
        assert mine == pytest.approx(other, rel=1e-9, abs=1e-12)


def test_the_scaler_knows_train_rows_only(tmp_path: Path, histories: list[History]) -> None:
    first, files = built(tmp_path / "a", histories)
    last_train = max(bar.date() for bar in files["train"]["label_5_ends_at"].to_pylist())
    later = [changed_after(history, last_train.isoformat()) for history in histories]
    second, changed = built(tmp_path / "b", later)
    assert second.scaler.to_json() == first.scaler.to_json()
    assert not changed["test"].equals(files["test"])
    train = np.column_stack([files["train"][name].to_numpy() for name in first.scaler.names])
    assert first.scaler.mean == pytest.approx(train.mean(axis=0), abs=1e-12)
    std = np.where(np.ptp(train, axis=0) == 0, 1.0, train.std(axis=0))  # a pattern that never came
    assert first.scaler.std == pytest.approx(std, rel=1e-9)


def test_features_do_not_change_when_later_bars_do(tmp_path: Path, histories: list[History]) -> None:
    names = ["symbol", "ts", *(feature.name for feature in features_of())]
    cut = DAYS[500]
    _, files = built(tmp_path / "a", histories)
    _, changed = built(tmp_path / "b", [changed_after(history, cut) for history in histories])
    for split in ("train", "validation"):
        mine, other = files[split].select(names), changed[split].select(names)
        before = pa.array(mine["ts"].to_numpy() <= np.datetime64(cut))
        assert mine.filter(before).equals(other.filter(before))


@pytest.mark.parametrize("rows", [64, 1_000])
def test_the_hash_depends_on_values_alone(
    tmp_path: Path, histories: list[History], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, files = built(tmp_path / "a", histories)
    monkeypatch.setattr(folders, "ROW_GROUP_ROWS", rows)
    second, again = built(tmp_path / "b", histories[::-1])
    assert second.content_hash == first.content_hash
    assert second.universe == first.universe
    order = [("symbol", "ascending"), ("ts", "ascending")]
    assert again["train"].sort_by(order).equals(files["train"].sort_by(order))


def test_another_value_is_another_hash(tmp_path: Path, histories: list[History]) -> None:
    first, _ = built(tmp_path / "a", histories)
    second, _ = built(tmp_path / "b", [changed_after(histories[0], DAYS[650]), *histories[1:]])
    assert second.content_hash != first.content_hash
    assert second.universe["XOM"] == first.universe["XOM"]
    assert second.universe["AAPL"] != first.universe["AAPL"]


def test_what_comes_after_the_end_changes_nothing(tmp_path: Path, histories: list[History]) -> None:
    recipe = recipe_of(horizons=(1, 5), end=date.fromisoformat(DAYS[600]))
    first, files = built(tmp_path / "a", histories, recipe)
    second, _ = built(tmp_path / "b", [changed_after(h, DAYS[600]) for h in histories], recipe)
    assert second.content_hash == first.content_hash
    assert max(files["test"]["label_1_ends_at"].to_pylist()).date().isoformat() == DAYS[600]


def test_rows_begin_with_the_start_and_bars_before_it_warm_up(
    tmp_path: Path, histories: list[History]
) -> None:
    recipe = recipe_of(horizons=(1,), start=date.fromisoformat(DAYS[400]))
    contents, files = built(tmp_path, histories, recipe)
    assert min(files["train"]["ts"].to_pylist()).date().isoformat() == DAYS[400]
    assert contents.dropped["warm_up"] == 0


def test_a_suspect_bar_gives_no_row_and_no_label_crosses_it(tmp_path: Path, histories: list[History]) -> None:
    bars, events = histories[2]
    suspect = replace(bars, is_suspect=bars.session == np.datetime64(DAYS[300]))
    contents, files = built(tmp_path, [*histories[:2], (suspect, events)])
    assert contents.dropped["suspect"] == 1
    rows = {row["ts"].date().isoformat(): row for row in files["train"].to_pylist() if row["symbol"] == "XOM"}
    # Of the two bars before it no label is left; of those before these only the longer one is missing.
    assert not {DAYS[day] for day in (298, 299, 300)} & rows.keys()
    assert [rows[DAYS[day]]["label_5"] is None for day in (293, 294, 297, 301)] == [False, True, True, False]
    assert rows[DAYS[297]]["label_1"] is not None


def test_an_incomplete_bar_is_as_if_it_were_not_there(tmp_path: Path, histories: list[History]) -> None:
    bars, events = histories[2]
    shorter = bars[: len(bars) - 1]
    open_bucket = replace(bars, is_complete=np.arange(len(bars)) < len(bars) - 1)
    first, _ = built(tmp_path / "a", [*histories[:2], (shorter, events)])
    second, _ = built(tmp_path / "b", [*histories[:2], (open_bucket, events)])
    assert second.content_hash == first.content_hash
    assert second.dropped["incomplete"] == 1


def test_a_column_that_looks_ahead_is_refused(histories: list[History]) -> None:
    bars, events = histories[0]
    honest = history_of(bars, events, RECIPE, features_of())
    assert largest_difference(honest, features_of()) <= 1e-9
    cheat = honest.matrix.copy()
    place = [feature.name for feature in features_of()].index("rsi_14")
    cheat[:-1, place] = cheat[1:, place]
    with pytest.raises(BadConfiguration, match=r"rsi_14 to use no bar after its own, found AAPL"):
        largest_difference(replace(honest, matrix=cheat), features_of())


def test_no_bars_and_too_few_are_refused_with_what_was_found(
    tmp_path: Path, histories: list[History]
) -> None:
    with pytest.raises(BadInput, match="found none"):
        built(tmp_path, [])
    short = [(walk("AAPL", 1, DAYS[:150]), actions())]
    with pytest.raises(BadInput, match="warm_up"):
        built(tmp_path, short)
    with pytest.raises(BadInput, match="in all"):
        built(tmp_path, [(walk("AAPL", 1, DAYS[:220]), actions())])
