"""The command line on a throw-away lake: the whole pipeline, and one sentence for every bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lakes import ODD_FOLDER, content, run_lake, settings_of, table_versions

RAW, SPLIT = "AAPL,BA,CAT,F,IBM,MSFT", "SPY,XOM"


def ask(root: Path, query: str, *options: str) -> list[dict[str, object]]:
    answer = run_lake(root, "sql", query, "--format", "json", *options)
    assert answer.returncode == 0, answer.stderr
    rows: list[dict[str, object]] = json.loads(answer.stdout)
    return rows


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A lake of the eight real daily histories, loaded by the command line, one call a price basis."""
    root = tmp_path_factory.mktemp("daily") / ODD_FOLDER
    path = str(shared_data / "daily")
    for symbols, basis in ((RAW, "raw"), (SPLIT, "split")):
        done = run_lake(
            root, "ingest", "--source", "files", "--path", path, "--symbols", symbols, "--price-basis", basis
        )
        assert done.returncode == 0, done.stderr
    for command in ("derive", "enrich"):
        done = run_lake(root, command)
        assert done.returncode == 0, done.stderr
    return root


def test_every_delivered_row_is_a_bar_or_in_quarantine(daily: Path) -> None:
    counts = {
        "AAPL": 8336,
        "BA": 13090,
        "CAT": 13090,
        "F": 10491,
        "IBM": 3270,
        "MSFT": 3270,
        "SPY": 2519,
        "XOM": 12115,
    }
    rows = ask(
        daily,
        "select symbol, "
        "(select count(*) from bars b where b.symbol = s.symbol and timeframe = '1d') as bars, "
        "(select count(*) from quarantine q where q.symbol = s.symbol) as aside from symbols s order by 1",
    )
    assert {row["symbol"]: row["bars"] + row["aside"] for row in rows} == counts  # type: ignore[operator]


def test_the_known_bad_rows_are_aside_with_the_right_reason(daily: Path) -> None:
    rows = ask(daily, "select symbol, ts::date::varchar as day, reason from quarantine order by all")
    assert [tuple(row.values()) for row in rows] == [
        ("AAPL", "1985-09-27", "off_session"),
        ("CAT", "1963-01-11", "outside_range"),
        ("CAT", "1968-02-07", "outside_range"),
    ]


def test_a_split_column_on_the_split_basis_is_no_split_history(daily: Path) -> None:
    assert ask(daily, "select symbol from actions where kind = 'split' and symbol in ('SPY', 'XOM')") == []


def test_splits_make_the_adjusted_history_continuous(daily: Path) -> None:
    query = """
        with days as (select symbol, ts, close / lag(close) over (partition by symbol order by ts) as step
                      from bars_adjusted where timeframe = '1d' and basis = 'split')
        select symbol, ts::date::varchar as day from days where step < 0.6 or step > 1.7 order by all
    """
    # What is left are a real fall, and a split that the source itself is missing.
    assert [tuple(row.values()) for row in ask(daily, query)] == [
        ("AAPL", "2000-09-29"),
        ("CAT", "1964-07-06"),
    ]


def test_repeating_every_step_makes_no_table_version(daily: Path, shared_data: Path) -> None:
    before, versions = content(settings_of(daily)), table_versions(settings_of(daily))
    path = str(shared_data / "daily")
    for arguments in (
        ("ingest", "--source", "files", "--path", path, "--symbols", RAW),
        ("ingest", "--source", "files", "--path", path, "--symbols", SPLIT, "--price-basis", "split"),
        ("derive",),
        ("enrich",),
        ("enrich", "--symbols", "IBM", "--timeframe", "1d", "--from", "2005-01-01"),
    ):
        done = run_lake(daily, *arguments)
        assert done.returncode == 0, done.stderr
    assert table_versions(settings_of(daily)) == versions
    assert content(settings_of(daily)) == before


def test_the_lake_s_own_audits_find_nothing(daily: Path) -> None:
    done = run_lake(daily, "verify")
    assert done.returncode == 0, done.stdout
    assert "BAD" not in done.stdout


def test_maintenance_changes_no_value_and_a_repeat_changes_nothing(daily: Path) -> None:
    before = content(settings_of(daily))
    assert run_lake(daily, "maintain").returncode == 0
    assert content(settings_of(daily)) == before
    versions = table_versions(settings_of(daily))
    assert run_lake(daily, "maintain").returncode == 0
    assert table_versions(settings_of(daily)) == versions


def test_features_as_of_a_date_go_to_a_file(daily: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    out = tmp_path / "features.parquet"
    done = run_lake(
        daily, "enrich", "--symbols", "IBM", "--timeframe", "1d", "--as-of", "2005-06-30", "--out", str(out)
    )
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(out)
    assert str(max(rows["ts"].to_pylist()).date()) == "2005-06-30"


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_sql_answers_in_every_format(daily: Path, form: str) -> None:
    import subprocess
    import sys

    command = [
        sys.executable,
        "-c",
        "from lake.cli import main; main()",
        "sql",
        "select symbol from symbols order by 1 limit 1",
        "--format",
        form,
    ]
    import os

    done = subprocess.run(
        command, env={**os.environ, "LAKE_ROOT": str(daily)}, capture_output=True, check=True
    )
    assert b"AAPL" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ingest", "--source", "sample", "--symbols", "TSLA"), "found TSLA; it offers AAPL"),
        (("ingest", "--source", "sample", "--symbols", "../x"), "expected a symbol of 1 to 20 characters"),
        (
            ("ingest", "--source", "sample", "--from", "2012-02-01", "--to", "2012-01-01"),
            "expected dates in order",
        ),
        (("ingest", "--source", "sample", "--from", "Monday"), "expected --from as a date"),
        (("ingest", "--source", "nowhere"), "expected a source, one of"),
        (("ingest", "--source", "sample", "--mode", "sideways"), "expected a mode"),
        (("ingest", "--source", "files"), "expected --path"),
        (("ingest", "--source", "files", "--path", "/nowhere/at/all"), "no such file or folder"),
        (("ingest", "--source", "sample", "--timeframe", "1wk"), "longer bars are derived"),
        (("ingest", "--source", "sample", "--exchange", "NOWHERE"), "expected an exchange"),
        (("derive", "--timeframe", "3wk"), "expected a timeframe"),
        (("enrich", "--symbols", ","), "expected symbols as A,B,C, found ','; leave the option out"),
        (("enrich", "--symbols", ""), "expected symbols as A,B,C, found ''"),
        (("enrich", "--symbols", "NONE"), "expected symbols of this lake, found NONE"),
        (("enrich", "--as-of", "2012-01-01"), "expected --out PATH with --as-of"),
        (("sql", "select nope from bars"), 'Referenced column "nope" not found'),
        (("sql", "select 1", "--format", "xml"), "expected --format, one of table, csv, json, md, parquet"),
        (("sql", "select 1", "--as-of", "never"), "expected a date or a time"),
    ],
)
def test_bad_input_ends_in_one_sentence_and_exit_code_1(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = run_lake(tmp_path / "lake", *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.startswith("lake: ")
    assert done.stderr.strip().count("\n") == 0
    assert "Traceback" not in done.stdout + done.stderr


def test_a_csv_without_a_column_and_a_broken_parquet_name_the_file_and_write_nothing(tmp_path: Path) -> None:
    for name, text in (("short.csv", "symbol,ts,open\nAAPL,2012-01-03,1\n"), ("broken.parquet", "PAR1")):
        path = tmp_path / name
        path.write_text(text)
        done = run_lake(tmp_path / "lake", "ingest", "--source", "files", "--path", str(path))
        assert done.returncode == 1
        assert name in done.stderr and done.stderr.count("\n") == 1
    assert set(table_versions(settings_of(tmp_path / "lake")).values()) == {0}


def test_a_lake_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = run_lake(tmp_path / "file" / "lake", "ingest", "--source", "sample")
    assert done.returncode == 1
    assert "check LAKE_ROOT" in done.stderr and done.stderr.count("\n") == 1
