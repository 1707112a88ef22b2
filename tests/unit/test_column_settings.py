"""conf/columns.yaml: what it says is what columns are computed with, and a mistake is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake.conf_file import read_conf
from lake.errors import BadConfiguration
from lake.features.settings import ColumnSettings
from tests.conftest import CHECKOUT

SHIPPED = yaml.safe_load((CHECKOUT / "conf" / "columns.yaml").read_text())

SHOWN = """
import json
from lake.config import load_settings
from lake.features.registry import REGISTRY, described
from lake.rules.identity import rule_version
from lake.rules.language import read_rules
rules = read_rules(load_settings().conf_folder)
parameters = {row["column"]: row["parameters"] for row in described().to_pylist()}
print(json.dumps([parameters, {name: rule_version(rule) for name, rule in rules.items()}]))
"""


def written(folder: Path, **changes: Any) -> Path:
    """Write the shipped settings with `section__key` set, and return the file."""
    settings = json.loads(json.dumps(SHIPPED))
    for name, value in changes.items():
        *sections, key = name.split("__")
        place = settings
        for section in sections:
            place = place[section]
        place[key] = value
    path = folder / "columns.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


REFUSED = [
    ({"momentum__rsi": [7, "many"]}, "momentum.rsi.1: .*; found 'many'"),
    ({"momentum__rsi": [7, 7]}, "momentum.rsi: .*expected every period once"),
    ({"momentum__rsi": []}, "momentum.rsi: "),
    ({"momentum__mfi": 1}, "momentum.mfi: .*greater than or equal to 2; found 1"),
    ({"momentum__mfy": 14}, "momentum.mfy: Extra inputs are not permitted; found 14"),
    ({"momentum__macd__fast": 30}, "momentum.macd: .*expected fast below slow, found 30 and 26"),
    ({"volatility__bands__period": 21}, "volatility.bands.period expected one of 7, 20, 50, 200"),
    ({"trend__adx": 15}, "trend.adx expected one of 14, 10, 20, on which it rests, found 15; add it there"),
    ({"trend__band_pct": -5}, "trend.band_pct: .*found -5"),
    ({"strict_patterns__third": 38.2}, "strict_patterns.third: .*less than 1; found 38.2"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_a_mistake_is_refused_with_its_place(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfiguration, match=message):
        read_conf(ColumnSettings, written(tmp_path, **changes))


def test_a_changed_threshold_is_shown_and_makes_another_version_of_the_rules_on_it(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "conf", tmp_path / "conf")
    before = shown(tmp_path)
    written(
        tmp_path / "conf", strict_patterns__hammer__body_most=0.25, moving_averages__sma=[7, 20, 50, 100, 200]
    )
    parameters, versions = shown(tmp_path)
    assert parameters["hammer"] == "body 0.25, shadow 0.7, other 0.1"
    assert parameters["sma_100"] == "period 100"
    changed = {name for name, version in versions.items() if version != before[1][name]}
    assert changed == {"hammer", "inverted_hammer"}


def shown(home: Path) -> Any:
    """Return what a process sees whose settings are in `home`: parameters of columns, versions of rules."""
    environment = {**os.environ, "LAKE_HOME": str(home), "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-c", SHOWN], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_command_line_refuses_in_one_sentence(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "conf", tmp_path / "conf")
    written(tmp_path / "conf", momentum__mfi=0)
    environment = {**os.environ, "LAKE_HOME": str(tmp_path), "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", "from lake.cli import main; main()", "columns"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "columns.yaml: momentum.mfi: " in done.stderr
    assert "Traceback" not in done.stderr
