"""What the lake itself says, for comparison with what a page shows."""

from __future__ import annotations

from typing import Any

from lake.config import Settings
from lake.store.catalog import CHARTS, CORE, connect
from lake.store.lake import Lake


def ask(settings: Settings, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query over the views of sql/, computed now and not served."""
    return connect(Lake.open(settings), layers=(*CORE, *CHARTS)).execute(query, list(values)).fetchall()
