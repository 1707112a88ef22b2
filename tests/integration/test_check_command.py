"""`lake check` looks at everything, says what is wrong, and exits 1 only if something is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.charts import chart_server
from tests.conftest import CHECKOUT
from tests.servers import free_port


def check(root: Path, mongo_url: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LAKE_ROOT": str(root), "MONGO_URL": mongo_url}
    if home:
        environment["LAKE_HOME"] = str(home)
    command = [sys.executable, "-c", "from lake.cli import main; main()", "check"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_sound_installation_is_all_ok(tmp_path: Path, mongo_url: str) -> None:
    done = check(tmp_path / "lake", mongo_url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BAD" not in done.stdout
    assert "conf/rules.yaml" in done.stdout and "MONGO_URL: 127.0.0.1" in done.stdout


def test_yahoo_is_looked_for_only_where_it_is_configured(
    tmp_path: Path, mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert " yahoo: " not in check(tmp_path / "lake", mongo_url).stdout
    with chart_server({}) as server:
        monkeypatch.setenv("YAHOO_URL", server.url)
        assert f" yahoo: {server.url} answers" in check(tmp_path / "lake", mongo_url).stdout
    done = check(tmp_path / "lake", mongo_url)
    assert done.returncode == 1
    assert "expected an answer of http://127.0.0.1" in done.stdout


def test_a_silent_mongodb_is_named_and_the_rest_still_looked_at(tmp_path: Path) -> None:
    done = check(tmp_path / "lake", f"mongodb://127.0.0.1:{free_port()}/lake")
    assert done.returncode == 1
    bad = [line for line in done.stdout.splitlines() if line.startswith("BAD")]
    assert len(bad) == 1 and "expected a MongoDB server" in bad[0]


def test_a_broken_rule_file_is_named_with_its_line(tmp_path: Path, mongo_url: str) -> None:
    home = tmp_path / "home"
    shutil.copytree(CHECKOUT / "conf", home / "conf")
    (home / "conf" / "rules.yaml").write_text("dual_channel:\n  description: one\n  nonsense: 1\n")
    done = check(tmp_path / "lake", mongo_url, home)
    assert done.returncode == 1
    assert "rules.yaml, line" in done.stdout
