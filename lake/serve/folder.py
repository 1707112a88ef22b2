"""Where the served files lie and which of them is the newest; needs nothing but Python.

Superset's own environment imports this module too, so it must not import the rest of the lake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = "_served"

_NAME = re.compile(r"served-(\d+)\.duckdb")


def served_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder that the variables LAKE_ROOT and LAKE_HOME name, as `Settings` reads them."""
    var = Path(environment.get("LAKE_HOME") or Path(__file__).resolve().parent.parent.parent) / "var"
    root = environment.get("LAKE_ROOT") or str(var / "lake")
    return (Path(root) if "://" not in root else var / "local") / FOLDER


def served_files(folder: Path) -> list[Path]:
    """Return the complete files, oldest first."""
    found = {path: _NAME.fullmatch(path.name) for path in folder.glob("served-*.duckdb")}
    return sorted((path for path, match in found.items() if match), key=number_of)


def newest(folder: Path) -> Path | None:
    """Return the newest complete file; None before the first one is built."""
    files = served_files(folder)
    return files[-1] if files else None


def number_of(path: Path) -> int:
    """Return the number in a served file's name."""
    match = _NAME.fullmatch(path.name)
    return int(match.group(1)) if match else 0
