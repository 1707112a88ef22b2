"""`lake rules test`: when rules would have fired on the lake, also those of a file not yet installed."""

from __future__ import annotations

import itertools
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.config import Settings, load_settings
from lake.errors import BadConfiguration, BadInput, UnknownSymbol
from lake.steps.alerts import find_alerts
from lake.steps.derive import derive_longer_bars
from lake.steps.ingest import default_request, ingest
from lake.steps.rule_trial import Trial, fires, summary, try_rules
from tests.lakes import run_lake, table_versions

FILE = """\
dip:
  description: Over-sold above the average of five-day bars.
  timeframes: [1d]
  fires: every_bar
  cooldown: 20d
  severity: info
  precedence: [bearish, bullish]
  bullish: {all: [rsi_14 < 40, close > sma_20 on 5d]}
  bearish: rsi_14 > 70
never:
  description: Never.
  timeframes: [1d, 5d]
  fires: every_bar
  severity: info
  neutral: close > 100 * sma_20
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load_settings(lake_root=str(tmp_path_factory.mktemp("trials") / "lake"))
    ingest(settings, default_request(settings, source="sample", symbols=["AAPL", "IBM"]))
    derive_longer_bars(settings, timeframes=["5d"])
    return settings


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "mine.yaml"
    path.write_text(FILE)
    return path


def test_it_says_what_alerts_would_say_and_writes_nothing(sample: Settings) -> None:
    before = table_versions(sample)
    trials = try_rules(
        sample, name="velocity", timeframes=["1d"], start=date(2009, 1, 1), end=date(2010, 12, 31)
    )
    told = find_alerts(sample, None, ["1d"], date(2009, 1, 1), date(2010, 12, 31)).to_pylist()
    expected = sorted(row["alert_id"] for row in told if row["rule"] == "velocity")
    assert sorted(alert.alert_id for each in trials for alert in each.alerts) == expected != []
    assert table_versions(sample) == before


def test_sides_are_counted_with_first_last_and_how_often_a_year(sample: Settings, file: Path) -> None:
    trials = try_rules(sample, file, symbols=["IBM"])
    rows = {(row["rule"], row["timeframe"], row["side"]): row for row in summary(trials).to_pylist()}
    assert list(rows) == [
        ("dip", "1d", "bearish"),
        ("dip", "1d", "bullish"),
        ("never", "1d", "neutral"),
        ("never", "5d", "neutral"),
    ]
    every = fires(trials).to_pylist()
    for (rule, timeframe, side), row in rows.items():
        own = [
            each["ts"]
            for each in every
            if (each["rule"], each["timeframe"], each["side"]) == (rule, timeframe, side)
        ]
        assert (row["fires"], row["first"], row["last"]) == (
            len(own),
            *((own[0], own[-1]) if own else (None, None)),
        )
    top = rows["dip", "1d", "bearish"]
    years = top["bars"] / 252
    assert top["per_year"] == pytest.approx(top["fires"] / years, rel=0.02)
    assert rows["dip", "1d", "bullish"]["fires"] > 0 and rows["never", "1d", "neutral"]["fires"] == 0


def test_the_cooldown_leaves_no_two_nearer_than_it_is_long(sample: Settings, file: Path) -> None:
    every = list(fires(try_rules(sample, file, "dip", ["AAPL"])).to_pylist())
    kept = [each["closes_at"] for each in every if each["delivered"]]
    assert 0 < len(kept) < len(every)
    assert min(after - before for before, after in itertools.pairwise(kept)) >= timedelta(days=20)
    last: datetime | None = None
    for each in every:  # and none is held back without one that near before it
        if each["delivered"]:
            last = each["closes_at"]
        else:
            assert last is not None and each["closes_at"] - last < timedelta(days=20)


def test_dates_choose_what_is_counted_never_what_is_seen(sample: Settings, file: Path) -> None:
    whole, part = (
        try_rules(sample, file, "dip", ["IBM"], ["1d"], start=start) for start in (None, date(2011, 1, 3))
    )

    def ids(trials: list[Trial]) -> set[str]:
        return {alert.alert_id for each in trials for alert in each.alerts if alert.ts.year >= 2011}

    assert ids(whole) == ids(part) != set()
    assert part[0].bars < whole[0].bars


@pytest.mark.parametrize(
    ("changes", "error", "expected"),
    [
        ({"name": "dpi"}, BadInput, "expected --rule, one of dip, never, found 'dpi', near dip"),
        (
            {"timeframes": ["5m"]},
            BadInput,
            "expected timeframes that the rules are for, among 1d, 5d, found 5m",
        ),
        ({"timeframes": ["3h"]}, BadInput, "expected a timeframe"),
        ({"symbols": ["NOPE"]}, UnknownSymbol, "found NOPE"),
        ({"start": date(2012, 1, 1), "end": date(2011, 1, 1)}, BadInput, "expected dates in order"),
        ({"start": date(2090, 1, 1)}, BadInput, "expected bars of 1d, 5d to try rules on, found none"),
        ({"path": Path("nowhere.yaml")}, BadConfiguration, "nowhere.yaml: expected a readable UTF-8 file"),
    ],
)
def test_a_bad_request_is_one_sentence(
    sample: Settings, file: Path, changes: dict[str, Any], error: type[Exception], expected: str
) -> None:
    with pytest.raises(error, match=expected):
        try_rules(sample, **({"path": file} | changes))


def test_the_command_tries_a_file_and_refuses_a_bad_one_with_its_line(
    sample: Settings, file: Path, tmp_path: Path
) -> None:
    root = Path(sample.lake_root)
    done = run_lake(root, "rules", "test", "--rules", str(file), "--symbols", "IBM", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert [row["rule"] for row in json.loads(done.stdout)] == ["dip", "dip", "never", "never"]
    bad = tmp_path / "bad.yaml"
    bad.write_text(FILE.replace("sma_20 on 5d", "sma_21 on 5d"))
    for verb in ("test", "check"):
        done = run_lake(root, "rules", verb, "--rules", str(bad))
        assert done.returncode == 1
        assert done.stderr.startswith(
            f"lake: {bad}, line 8: expected a bar value or a registered column, found 'sma_21'"
        )
        assert done.stderr.count("\n") == 1
    done = run_lake(root, "rules", "schema")
    assert json.loads(done.stdout)["title"].startswith("Rules")
