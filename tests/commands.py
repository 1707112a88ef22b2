"""The command `lake` in this process, on a throw-away lake and, if wanted, a configuration of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from lake.cli import app
from lake.config import CHECKOUT


class Commands:
    """The command line of one lake."""

    def __init__(self, root: Path, home: Path = CHECKOUT) -> None:
        self.root, self.home = root, home

    def run(self, *arguments: object) -> str:
        """Return what a command prints; its errors are raised as they are."""
        environment = {"LAKE_ROOT": str(self.root), "LAKE_HOME": str(self.home)}
        done = CliRunner().invoke(
            app, [str(each) for each in arguments], env=environment, catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
        return done.stdout

    def sql(self, query: str, *options: object) -> list[dict[str, Any]]:
        """Return what `lake sql` answers."""
        rows: list[dict[str, Any]] = json.loads(self.run("sql", query, "--format", "json", *options))
        return rows


def home_with(folder: Path, universe: str) -> Path:
    """Return a home with the checkout's sql and conf, except that conf/universe.yaml has these symbols."""
    shutil.copytree(CHECKOUT / "conf", folder / "conf")
    (folder / "sql").symlink_to(CHECKOUT / "sql")
    path = folder / "conf" / "universe.yaml"
    path.write_text(path.read_text().replace("symbols: []\n", universe))
    return folder
