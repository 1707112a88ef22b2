"""What tests ask of a whole lake: its logical content and its table versions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lake.config import Settings, load_settings
from lake.store.digest import digest
from lake.store.lake import Lake
from lake.store.tables import TABLES

CLOCKS = ("known_at", "superseded_at", "run_at", "built_at", "fired_at", "origin", "path", "manifest")
"""Columns that say when something was learned, or where; digests leave them out."""


ODD_FOLDER = "the läke, it's #1"
"""A folder as people have them: with what an address or SQL would have to escape."""


def content(settings: Settings) -> dict[str, str]:
    """Return a digest of every table's rows, clocks aside."""
    lake = Lake.open(settings)
    found = {}
    for name, spec in TABLES.items():
        rows = lake.table(name).to_pyarrow_table().select(spec.schema.names).cast(spec.schema)
        if spec.is_bitemporal:
            rows = rows.append_column("is_current", rows["superseded_at"].is_null())
        order = [*spec.key, *(["is_current"] if spec.is_bitemporal else [])]
        found[name] = digest(rows, order_by=order, leave_out=CLOCKS)
    return found


def table_versions(settings: Settings) -> dict[str, int]:
    """Return the version of every table."""
    lake = Lake.open(settings)
    return {name: lake.table(name).version() for name in TABLES}


def lake_process(root: Path, *arguments: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start the `lake` command on a throw-away lake, under another command if one comes `before`."""
    environment = {**os.environ, "LAKE_ROOT": str(root)}
    return subprocess.Popen(
        [*before, sys.executable, "-c", "from lake.cli import main; main()", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_lake(root: Path, *arguments: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run the `lake` command on a throw-away lake to its end."""
    process = lake_process(root, *arguments, before=before)
    out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def settings_of(root: Path) -> Settings:
    """Return the settings of the lake at `root`."""
    return load_settings(lake_root=str(root))
