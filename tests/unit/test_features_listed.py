"""The registry against the product's list of columns, where that is beside the checkout."""

from __future__ import annotations

import re
from pathlib import Path

from lake.features.columns.talib_patterns import PATTERNS
from lake.features.registry import REGISTRY


def listed(text: str) -> set[str]:
    """Return the names in the table under `Columns per bar` and those of the strict patterns."""
    columns, patterns = (text.split(f"## {title}")[1].split("\n## ")[0] for title in
                         ("Columns per bar", "Strict candle patterns"))  # fmt: skip
    names: set[str] = set()
    for row in columns.splitlines():
        if row.startswith("|") and not row.startswith(("|---", "| group")):
            cells = row.split("|")[2]
            outside = re.sub(r"\([^()]*\)", "", cells)  # brackets explain, they do not list
            names |= {name for span in re.findall(r"`([^`]+)`", outside) for name in span.split()}
    names.remove("close_lag_1..3")
    names.discard("cdl_*")
    names |= {f"close_lag_{bars}" for bars in (1, 2, 3)} | {f"cdl_{name.lower()}" for name in PATTERNS}
    heads = [line.split(":")[0] for line in patterns.splitlines() if line.startswith("- `")]
    second = re.findall(r"`([a-z_0-9]+)`(?:: | )mirrored", patterns)
    return names | {name for head in heads for name in re.findall(r"`([a-z_0-9]+)`", head)} | set(second)


def test_every_listed_column_is_registered_and_nothing_else_is_stored(shared_data: Path) -> None:
    text = (shared_data.parent / "features.md").read_text(encoding="utf-8")
    assert listed(text) == set(REGISTRY.names)
    assert len(PATTERNS) == 61
