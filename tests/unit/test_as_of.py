"""As of X: what was known then, and what stands in before anything was."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from lake.config import Settings
from lake.errors import BadInput
from lake.store.catalog import connect, parse_as_of
from lake.store.lake import Lake
from tests.builders import bar_rows

LOADED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def restated(settings: Settings) -> Lake:
    """A lake whose bar of 2012-01-03 was 10 when loaded and 12 a day later."""
    lake = Lake.open(settings)
    rows = [
        {"symbol": "AAPL", "day": day, "close": 10.0} for day in ("2012-01-03", "2012-01-04", "2012-01-05")
    ]
    lake.upsert("bars", bar_rows(*rows), LOADED)
    lake.upsert("bars", bar_rows({**rows[0], "close": 12.0}), LOADED + timedelta(days=1))
    return lake


def seen(lake: Lake, moment: str) -> list[tuple[str, float, bool]]:
    con = connect(lake, parse_as_of(moment))
    return con.execute(
        "SELECT strftime(ts, '%m-%d'), close, known_at_assumed FROM bars ORDER BY ts"
    ).fetchall()


def test_before_a_restatement_the_old_value_counts_and_after_it_the_new_one(restated: Lake) -> None:
    assert seen(restated, "2026-01-01T12:00:00Z")[0] == ("01-03", 10.0, False)
    assert seen(restated, "2026-01-03")[0] == ("01-03", 12.0, False)


def test_before_the_first_load_its_rows_that_had_closed_stand_in_and_say_so(restated: Lake) -> None:
    assert seen(restated, "2012-01-04") == [("01-03", 10.0, True), ("01-04", 10.0, True)]


def test_a_bare_date_means_its_end(restated: Lake) -> None:
    assert seen(restated, "2026-01-02")[0][1] == 12.0
    assert seen(restated, "2026-01-01")[0][1] == 10.0


def test_the_macro_answers_for_any_moment_without_a_new_catalog(restated: Lake) -> None:
    con = connect(restated)
    query = "SELECT close FROM bars_as_of(TIMESTAMPTZ '2026-01-01 12:00:00Z') ORDER BY ts LIMIT 1"
    assert con.execute(query).fetchone() == (10.0,)
    assert con.execute("SELECT close FROM bars ORDER BY ts LIMIT 1").fetchone() == (12.0,)


@pytest.mark.parametrize("text", ["yesterday", "2020-13-01", "2020-1-1"])
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="expected a date or a time"):
        parse_as_of(text)


def test_every_view_answers_on_an_empty_lake(settings: Settings) -> None:
    for as_of in (None, LOADED):
        con = connect(Lake.open(settings), as_of)
        views = [
            name
            for (name,) in con.execute(
                "SELECT view_name FROM duckdb_views() WHERE NOT internal "
                "AND schema_name = 'main' AND view_name NOT LIKE '\\_%' "
                "ESCAPE '\\'"
            ).fetchall()
        ]
        assert {"bars", "bars_adjusted", "actions", "symbols", "features", "sandbox_metrics"} <= set(views)
        for view in views:
            assert con.execute(f"SELECT count(*) FROM {view}").fetchone() is not None
    assert isinstance(con, duckdb.DuckDBPyConnection)
