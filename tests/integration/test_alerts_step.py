"""`lake alerts` over a lake of real sample bars: written, repeated, corrected, filtered, as of a date."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from lake.config import Settings, load_settings
from lake.errors import BadInput, UnknownSymbol
from lake.steps.alerts import find_alerts, raise_alerts
from lake.steps.derive import derive_longer_bars
from lake.steps.ingest import default_request, ingest
from lake.steps.verify import verify
from lake.store.catalog import connect, parse_as_of
from lake.store.lake import Lake
from tests.builders import bar_rows
from tests.lakes import content, run_lake, table_versions

SYMBOLS = ["AAPL", "IBM"]
NOW = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a lake of sample bars, their weeks and the alerts of both."""
    settings = load_settings(lake_root=str(tmp_path_factory.mktemp("alerts") / "lake"))
    ingest(settings, default_request(settings, source="sample", symbols=SYMBOLS))
    derive_longer_bars(settings, timeframes=["1wk"])
    raise_alerts(settings, now=NOW)
    return settings


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    return connect(Lake.open(settings)).execute(sql).fetchall()


def test_every_rule_that_names_a_timeframe_has_alerts_of_it(sample: Settings) -> None:
    found = {
        row[0]: row[1]
        for row in rows(sample, "SELECT timeframe, count(DISTINCT rule) FROM alerts GROUP BY 1")
    }
    assert found.keys() == {"1d", "1wk"}
    assert found["1d"] >= 15 and found["1wk"] >= 10
    assert rows(sample, "SELECT DISTINCT status, origin, revision, fired_at FROM alerts") == [
        ("confirmed", "batch", 1, NOW)
    ]


def test_an_alert_says_what_its_rule_saw_on_the_basis_of_its_bar(sample: Settings) -> None:
    """AAPL split 2:1 on 2005-02-28: before it the values are in the terms of that day."""
    [(price, values, reason)] = rows(
        sample,
        "SELECT price, values, reason FROM alerts WHERE symbol = 'AAPL' AND timeframe = '1d' "
        "AND rule = 'dual_channel' AND ts < '2005-02-28' ORDER BY ts DESC LIMIT 1",
    )
    seen = json.loads(values)
    assert 60 < price < 100
    assert price == pytest.approx(seen["close"], rel=1e-12)
    assert seen["ema_13"] == pytest.approx(price, rel=0.15)
    side = "bullish" if "bullish" in reason else "bearish"
    assert reason == f"AAPL turned {side} on 1d bars at {price:.10g}: dual channel"


def test_the_audits_find_nothing(sample: Settings) -> None:
    assert [audit.name for audit in verify(sample) if not audit.is_clean] == []


@pytest.mark.parametrize(
    ("damage", "audit"),
    [
        ("ts + INTERVAL 1 HOUR AS ts", "alerts_have_complete_bars"),
        ("closes_at - INTERVAL 1 HOUR AS closes_at", "alerts_have_complete_bars"),
        ("closes_at - INTERVAL 1 SECOND AS fired_at", "alerts_follow_the_close"),
        ("'x' AS level_id", "alerts_follow_the_close"),
        ("price * 1.001 AS price", "alerts_say_what_they_saw"),
    ],
)
def test_the_audits_notice_a_false_alert(sample: Settings, damage: str, audit: str) -> None:
    con = connect(Lake.open(sample))
    con.execute("CREATE TABLE told AS SELECT * FROM alerts LIMIT 50")
    con.execute(f"CREATE OR REPLACE VIEW alerts AS SELECT * REPLACE ({damage}) FROM told")
    assert con.execute((sample.sql_folder / "audits" / f"{audit}.sql").read_text()).fetchall()


def test_a_repeat_and_a_part_of_it_write_nothing(sample: Settings) -> None:
    versions, before = table_versions(sample), content(sample)
    later = datetime(2021, 1, 1, tzinfo=UTC)
    for again in (
        raise_alerts(sample, now=later),
        raise_alerts(sample, ["IBM"], ["1d"], date(2010, 1, 1), date(2010, 12, 31), now=later),
    ):
        assert (again["written"], again["replaced"], again["invalidated"]) == (0, 0, 0)
    assert (table_versions(sample), content(sample)) == (versions, before)


def test_dates_choose_what_is_written_never_what_is_seen(sample: Settings) -> None:
    whole = {row["alert_id"]: row for row in find_alerts(sample, ["IBM"], ["1d"], now=NOW).to_pylist()}
    part = find_alerts(sample, ["IBM"], ["1d"], date(2010, 1, 4), date(2010, 6, 30), now=NOW).to_pylist()
    assert len(part) > 50
    assert {row["alert_id"]: row for row in part} == {
        key: row for key, row in whole.items() if date(2010, 1, 4) <= row["ts"].date() <= date(2010, 6, 30)
    }


def test_as_of_sees_only_what_was_known_then(sample: Settings) -> None:
    then = find_alerts(sample, ["IBM"], ["1d"], as_of=parse_as_of("2010-06-30"), now=NOW).to_pylist()
    assert max(row["ts"] for row in then).date() <= date(2010, 6, 30)
    today = find_alerts(sample, ["IBM"], ["1d"], end=date(2010, 6, 30), now=NOW).to_pylist()
    assert [row["alert_id"] for row in then] == [row["alert_id"] for row in today]


def test_a_restated_bar_takes_alerts_back_and_a_second_restatement_brings_them_again(tmp_path: Path) -> None:
    settings = load_settings(lake_root=str(tmp_path / "lake"))
    ingest(settings, default_request(settings, source="sample", symbols=["IBM"]))
    raise_alerts(settings, timeframes=["1d"], now=NOW)
    before = {row["alert_id"] for row in find_alerts(settings, timeframes=["1d"], now=NOW).to_pylist()}
    [values] = rows(settings, "SELECT open, high, low, close, volume FROM bars WHERE ts = '2012-06-01'")
    restate(
        settings,
        dict(zip(("open", "high", "low", "close", "volume"), values, strict=True))
        | {"close": 150.0, "low": 150.0},
    )
    changed = raise_alerts(settings, timeframes=["1d"], now=NOW)
    after = {row["alert_id"] for row in find_alerts(settings, timeframes=["1d"], now=NOW).to_pylist()}
    gone = before - after
    assert changed["invalidated"] == len(gone) > 0
    told = dict(rows(settings, "SELECT alert_id, status FROM alerts"))
    assert {key for key, status in told.items() if status == "invalidated"} == gone
    assert told.keys() == before | after  # none was deleted
    assert raise_alerts(settings, timeframes=["1d"], now=NOW)["written"] == 0
    restate(settings, dict(zip(("open", "high", "low", "close", "volume"), values, strict=True)))
    raise_alerts(settings, timeframes=["1d"], now=NOW)
    assert {
        row[0] for row in rows(settings, "SELECT alert_id FROM alerts WHERE status = 'confirmed'")
    } == before
    assert max(row[0] for row in rows(settings, "SELECT revision FROM alerts")) == 3


def restate(settings: Settings, values: dict[str, float]) -> None:
    closes_at = datetime(2012, 6, 1, 20, tzinfo=UTC)
    row = bar_rows(
        {"symbol": "IBM", "day": "2012-06-01", "closes_at": closes_at, "source": "files", **values}
    )
    lake = Lake.open(settings)
    with lake.writing("bars"):
        lake.upsert("bars", row, lake.stamp("bars", datetime.now(UTC)))


def test_a_bad_request_is_one_sentence(sample: Settings) -> None:
    with pytest.raises(UnknownSymbol, match="expected symbols of this lake, found NOPE"):
        raise_alerts(sample, ["NOPE"])
    with pytest.raises(BadInput, match="expected a timeframe"):
        find_alerts(sample, ["IBM"], ["3h"])
    with pytest.raises(
        BadInput, match="expected dates in order, found --from 2011-01-01 after --to 2010-01-01"
    ):
        raise_alerts(sample, start=date(2011, 1, 1), end=date(2010, 1, 1))


def test_an_empty_lake_has_no_alerts(settings: Settings) -> None:
    assert raise_alerts(settings)["alerts"] == 0
    assert find_alerts(settings).num_rows == 0


def test_the_command_prints_what_it_would_write(sample: Settings) -> None:
    root, chosen = Path(sample.lake_root), ("--symbols", "IBM", "--timeframe", "1d", "--from", "2013-02-01")
    before = table_versions(sample)
    done = run_lake(root, "alerts", *chosen, "--dry-run", "--format", "json")
    assert done.returncode == 0, done.stderr
    told = {row["alert_id"] for row in json.loads(done.stdout)}
    held = rows(
        sample, "SELECT alert_id FROM alerts WHERE symbol = 'IBM' AND timeframe = '1d' AND ts >= '2013-02-01'"
    )
    assert told == {row[0] for row in held} != set()
    assert table_versions(sample) == before
    refused = run_lake(root, "alerts", "--as-of", "2010-01-01")
    assert refused.returncode == 1
    assert (
        refused.stderr.startswith("lake: expected --dry-run with --as-of") and refused.stderr.count("\n") == 1
    )
