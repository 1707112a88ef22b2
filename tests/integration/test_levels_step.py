"""Levels over a lake of real sample bars: stored, repeated, audited, split, shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lake.config import Settings, load_settings
from lake.errors import BadInput, UnknownSymbol
from lake.levels.histogram import bin_width, histogram
from lake.steps.ingest import default_request, ingest
from lake.steps.levels import find_levels
from lake.steps.verify import verify
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.lakes import content, run_lake, table_versions

SYMBOLS = ["AAPL", "FB", "IBM"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a lake of sample bars and their levels."""
    settings = load_settings(lake_root=str(tmp_path_factory.mktemp("levels") / "lake"))
    ingest(settings, default_request(settings, source="sample", symbols=SYMBOLS))
    find_levels(settings)
    return settings


def rows(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    return connect(Lake.open(settings)).execute(sql).fetchall()


def test_the_view_has_the_contracts_columns_and_every_method(sample: Settings) -> None:
    columns = [row[0] for row in rows(sample, "DESCRIBE levels")]
    contract = {
        "symbol",
        "timeframe",
        "ts",
        "level_id",
        "kind",
        "price",
        "formed_at",
        "confirmed_at",
        "touches",
    }
    assert contract | {"last_touch_at", "broken_at", "method", "strength", "role_flips"} <= set(columns)
    methods = rows(sample, "SELECT DISTINCT method FROM levels ORDER BY 1")
    assert methods == [("cluster",), ("fibonacci",), ("fractal",), ("pivot",), ("volume_profile",)]
    assert rows(sample, "SELECT DISTINCT event FROM level_events ORDER BY 1") == [
        ("bounce",), ("break",), ("retest",), ("role_flip",), ("touch",)
    ]  # fmt: skip
    assert rows(sample, "SELECT count(*) - count(DISTINCT level_id) FROM levels") == [(0,)]


def test_a_level_is_confirmed_after_the_bar_that_formed_it(sample: Settings) -> None:
    early = """SELECT l.* FROM levels l JOIN bars b USING (symbol, timeframe)
        WHERE b.ts = l.formed_at AND l.confirmed_at < b.closes_at"""
    assert rows(sample, early) == []


def test_a_fractal_is_the_low_or_high_of_the_bar_that_formed_it_two_bars_before_its_confirmation(
    sample: Settings,
) -> None:
    wrong = """
        WITH b AS (SELECT *, lead(closes_at, 2) OVER (PARTITION BY symbol ORDER BY ts) AS second_after
                   FROM bars_adjusted WHERE timeframe = '1d' AND basis = 'split')
        SELECT l.* FROM levels l JOIN b ON b.symbol = l.symbol AND b.ts = l.formed_at
        WHERE method = 'fractal' AND (least(abs(price - low), abs(price - high)) > 1e-9 * price
          OR l.confirmed_at <> b.second_after)"""
    assert rows(sample, "SELECT count(*) > 500 FROM levels WHERE method = 'fractal'") == [(True,)]
    assert rows(sample, wrong) == []


def test_the_histogram_view_counts_as_the_function_does(sample: Settings) -> None:
    chosen = "symbol = 'IBM' AND timeframe = '1d' AND kind = 'support'"
    active = rows(sample, f"SELECT price, strength FROM levels WHERE {chosen} AND outcome = 'active'")
    [(close,)] = rows(sample, "SELECT max_by(close, ts) FROM bars WHERE symbol = 'IBM'")
    prices, strengths = np.array(active).T
    expected = histogram(prices, strengths, bin_width(float(close)))  # type: ignore[arg-type]
    found = rows(
        sample, f"SELECT low, high, levels, strength FROM level_histogram WHERE {chosen} ORDER BY low"
    )
    assert len(found) > 5
    np.testing.assert_allclose(np.array(found, dtype=float), np.array(expected), rtol=1e-12)


def test_the_audits_find_nothing(sample: Settings) -> None:
    assert [audit.name for audit in verify(sample) if not audit.is_clean] == []


@pytest.mark.parametrize(
    ("damage", "audit"),
    [
        ("touches + 1 AS touches", "levels_count_their_events"),
        ("confirmed_at + INTERVAL 9999 DAY AS confirmed_at", "level_events_follow_confirmation"),
    ],
)
def test_the_audits_notice_a_false_certificate(sample: Settings, damage: str, audit: str) -> None:
    con = connect(Lake.open(sample))
    con.execute(f"CREATE OR REPLACE VIEW levels AS SELECT * REPLACE ({damage}) FROM lake.levels")
    sql = (sample.sql_folder / "audits" / f"{audit}.sql").read_text()
    assert con.execute(sql).fetchall()


def test_a_repeat_writes_nothing(sample: Settings) -> None:
    versions, before = table_versions(sample), content(sample)
    again = find_levels(sample, SYMBOLS)
    assert (again["written"], again["replaced"]) == (0, 0)
    assert (table_versions(sample), content(sample)) == (versions, before)


def test_one_symbol_leaves_the_others_as_they_are(sample: Settings) -> None:
    before = content(sample)
    find_levels(sample, ["IBM"], ["1d"])
    assert content(sample) == before


def test_a_bad_request_is_one_sentence(sample: Settings) -> None:
    with pytest.raises(UnknownSymbol, match="expected symbols of this lake, found NOPE"):
        find_levels(sample, ["NOPE"])
    with pytest.raises(BadInput, match="expected a timeframe"):
        find_levels(sample, ["IBM"], ["3h"])


def test_an_empty_lake_has_no_levels(settings: Settings) -> None:
    assert find_levels(settings) == {"symbols": 0, "timeframes": 0, "written": 0, "replaced": 0}
    assert rows(settings, "SELECT * FROM levels") == rows(settings, "SELECT * FROM level_events") == []


def test_the_command_shows_the_nearest_active_levels(sample: Settings) -> None:
    done = run_lake(
        Path(sample.lake_root), "levels", "--symbols", "IBM", "--timeframe", "1d", "--nearest", "2"
    )
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stdout.splitlines() if " IBM " in f" {line.strip()} "]
    assert 2 <= len(shown) <= 4
    assert any("support" in line for line in shown)
    assert not any("AAPL" in line for line in shown)


def test_the_command_refuses_an_unknown_timeframe(sample: Settings) -> None:
    done = run_lake(Path(sample.lake_root), "levels", "--symbols", "IBM", "--timeframe", "15x")
    assert done.returncode == 1
    assert done.stderr.startswith("lake: expected a timeframe") and done.stderr.count("\n") == 1
