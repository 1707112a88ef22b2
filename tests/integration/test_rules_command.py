"""`lake rules check` on the shipped rules, and on a file that cannot be used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lake.rules.identity import rule_version
from lake.rules.language import read_rules
from tests.conftest import CHECKOUT
from tests.lakes import run_lake


def test_it_lists_every_rule_with_its_version_timeframes_and_sides(tmp_path: Path) -> None:
    done = run_lake(tmp_path / "lake", "rules", "check", "--format", "json")
    assert done.returncode == 0, done.stderr
    rows = {row["rule"]: row for row in json.loads(done.stdout)}
    rules = read_rules(CHECKOUT / "conf")
    assert list(rows) == list(rules)
    assert {name: row["version"] for name, row in rows.items()} == {
        name: rule_version(rule) for name, rule in rules.items()
    }
    assert rows["breakout"] | {"version": ""} == {
        "rule": "breakout",
        "version": "",
        "timeframes": "1d, 1wk, " + ", ".join(f"{n}d" for n in range(2, 14)),
        "variants": "above_55, below_55, above_20, below_20",
        "sides": "bullish, bearish",
        "fires": "on_change",
        "severity": "info",
    }


def test_a_bad_file_ends_in_one_sentence_with_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "conf" / "rules.yaml"
    shutil.copytree(CHECKOUT / "conf", rules.parent)
    rules.write_text(
        "turn:\n  description: d\n  timeframes: [1d]\n  fires: on_change\n  severity: info\n"
        "  bullish: close > ema_14\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("LAKE_HOME", str(tmp_path))
    done = run_lake(tmp_path / "lake", "rules", "check")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(
        f"lake: {rules}, line 6: expected a bar value or a registered column, found"
    )
    assert done.stderr.count("\n") == 1
