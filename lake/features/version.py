"""The version of all columns: whatever decides their values, as one number."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from lake.features.registry import REGISTRY

_FEATURES = Path(__file__).parent
_FORMULAS = (
    *_FEATURES.rglob("*.py"),
    *(_FEATURES.parent / "market" / name for name in ("adjust.py", "bars.py")),
)
_LIBRARIES = ("numba", "numpy", "TA-Lib")


@cache
def columns_version() -> int:
    """Return 64 bits that change with the columns' code, their parameters, or a library they rest on.

    Rows that were stored under another version are computed anew: what is stored is what a full run
    would store, also after an upgrade.
    """
    sha = hashlib.sha256()
    for path in sorted(_FORMULAS):
        sha.update(path.read_bytes())
    for name in _LIBRARIES:
        sha.update(version(name).encode())
    for indicator in {each.columns: each for each in REGISTRY.by_column.values()}.values():
        sha.update(f"{indicator.columns}{indicator.inputs}{sorted(indicator.parameters.items())}".encode())
    return int.from_bytes(sha.digest()[:8], "big")
