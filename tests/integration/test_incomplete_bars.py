"""A week that is not over reaches no signal: not rules, levels, features, the sandbox or training sets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.builders import sessions
from tests.commands import Commands

DAYS = sessions("2003-01-02", 2500)
LAST_FRIDAY = max(row for row in range(2490) if np.datetime64(DAYS[row]).astype(int) % 7 == 1)
OPEN_DAYS = 3
"""Days of the week after, which is not over then."""


def loaded(folder: Path, count: int) -> Commands:
    """Return a lake of so many days, with weeks; those after the last full week are wild."""
    chance = np.random.default_rng(3)
    closes = 50 * np.exp(np.cumsum(chance.normal(0, 0.015, len(DAYS))))
    lines = ["symbol,ts,open,high,low,close,volume"]
    for row in range(count):
        close = closes[row] * (1.35 if row > LAST_FRIDAY else 1.0)
        volume = 1000 + row if row <= LAST_FRIDAY else 1_000_000
        values = (close * 0.97, close * 1.04, close * 0.95, close, volume)
        lines.append(f"ACME,{DAYS[row]}," + ",".join(f"{value:.6f}" for value in values))
    folder.mkdir()
    (folder / "acme.csv").write_text("\n".join(lines) + "\n")
    lake = Commands(folder / "lake")
    lake.run("ingest", "--source", "files", "--path", folder / "acme.csv")
    lake.run("derive", "--timeframe", "1wk")
    return lake


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Commands, Commands]:
    """Two lakes: one ends with a full week, the other in the middle of the next."""
    folder = tmp_path_factory.mktemp("weeks")
    over, going = LAST_FRIDAY + 1, LAST_FRIDAY + 1 + OPEN_DAYS
    return loaded(folder / "over", over), loaded(folder / "going", going)


def features(lake: Commands) -> list[dict[str, Any]]:
    out = lake.root.parent / "features.parquet"
    lake.run("enrich", "--timeframe", "1wk", "--out", out)
    return pq.read_table(out).to_pylist()


def alerts(lake: Commands) -> list[dict[str, Any]]:
    found = json.loads(lake.run("alerts", "--timeframe", "1wk", "--dry-run", "--format", "json"))
    return [{name: value for name, value in row.items() if name != "fired_at"} for row in found]


def levels(lake: Commands) -> list[dict[str, Any]]:
    lake.run("levels", "--timeframe", "1wk")
    return lake.sql("select * from levels order by level_id") + lake.sql(
        "select * from level_events order by all"
    )


def trades(lake: Commands) -> list[dict[str, Any]]:
    lake.run("sandbox", "--strategy", "dual_channel", "--timeframe", "1wk")
    found = lake.sql("select * exclude (run_id) from sandbox_trades order by all")
    return found + lake.sql("select * exclude (run_id) from sandbox_equity order by all")


def training(lake: Commands) -> list[dict[str, Any]]:
    printed = lake.run("training", "build", "--timeframe", "1wk", "--horizons", "1")
    content = re.search(r"content hash (\w+)", printed)
    assert content is not None
    return [{"content": content[1]}]


def test_the_open_week_is_there_and_marked(lakes: tuple[Commands, Commands]) -> None:
    over, going = (
        lake.sql("select is_complete, count(*) as n from bars where timeframe = '1wk' group by 1 order by 1")
        for lake in lakes
    )
    (weeks,) = over
    assert going == [{"is_complete": False, "n": 1}, weeks]


@pytest.mark.parametrize("asked", [features, alerts, levels, trades, training])
def test_a_week_that_is_not_over_changes_nothing(lakes: tuple[Commands, Commands], asked: Any) -> None:
    over, going = (asked(lake) for lake in lakes)
    assert over
    assert repr(over) == repr(going)
