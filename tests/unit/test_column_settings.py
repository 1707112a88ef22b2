"""conf/columns.yaml, conf/levels.yaml: what they say is what columns and levels are made with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake.cli.output import print_rows
from lake.conf_file import read_conf
from lake.errors import BadConfiguration
from lake.features.registry import REGISTRY, described
from lake.features.settings import ColumnSettings
from lake.levels.settings import LevelSettings
from tests.conftest import CHECKOUT

CONF = CHECKOUT / "conf"

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


def written(folder: Path, file: str = "columns.yaml", **changes: Any) -> Path:
    """Write a shipped file with `section__key` set, and return it."""
    settings = yaml.safe_load((CONF / file).read_text())
    for name, value in changes.items():
        *sections, key = name.split("__")
        place = settings
        for section in sections:
            place = place[section]
        place[key] = value
    path = folder / file
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"events__touch_atr": 0}, "events.touch_atr: .*greater than 0; found 0"),
        ({"events__bounce_bars": 2.5}, "events.bounce_bars: .*found 2.5"),
        ({"fibonacci__retracements_pct": [38.2, 38.21]}, "retracements_pct: .*shares that differ by 0.1"),
        ({"cluster__near": 1}, "cluster.near: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_about_levels_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadConfiguration, match=message):
        read_conf(LevelSettings, written(tmp_path, "levels.yaml", **changes))


def test_a_changed_threshold_is_shown_and_makes_another_version_of_the_rules_on_it(tmp_path: Path) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    before = shown(tmp_path)
    written(
        tmp_path / "conf", strict_patterns__hammer__body_most=0.25, moving_averages__sma=[7, 20, 50, 100, 200]
    )
    written(tmp_path / "conf", "levels.yaml", events__touch_atr=0.5)
    parameters, versions = shown(tmp_path)
    assert parameters["hammer"] == "body 0.25, shadow 0.7, other 0.1"
    assert parameters["sma_100"] == "period 100"
    changed = {name for name, version in versions.items() if version != before[1][name]}
    about_levels = {name for name in versions if name.startswith("level_")}
    assert about_levels
    assert changed == {"hammer", "inverted_hammer", *about_levels}


def shown(home: Path) -> Any:
    """Return what a process sees whose settings are in `home`: parameters of columns, versions of rules."""
    environment = {**os.environ, "LAKE_HOME": str(home), "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "-c", SHOWN], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_command_line_refuses_in_one_sentence(tmp_path: Path) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    written(tmp_path / "conf", momentum__mfi=0)
    environment = {**os.environ, "LAKE_HOME": str(tmp_path), "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", "from lake.cli import main; main()", "columns"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "columns.yaml: momentum.mfi: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_data_dictionary_is_a_page_of_markdown_with_a_line_a_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_rows(described(), "md")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| column | group | inputs | parameters | settle_bars |")
    assert len(lines) == 2 + len(REGISTRY.readable)
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1  # as many cells everywhere
    assert any(line.startswith("| rsi_14 | momentum | close | period 14 | 1024 |") for line in lines)
