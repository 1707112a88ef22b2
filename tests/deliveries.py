"""What a source hands over, made of closes and actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pyarrow as pa

from lake.sources.base import ACTIONS_SCHEMA, BARS_SCHEMA, Fetched


def delivery(
    symbol: str,
    bars: Iterable[tuple[np.datetime64, float, float]],
    actions: Mapping[tuple[date, str], float],
) -> Fetched:
    """Return bars of one price each, from their start, close and volume, with actions by day and kind."""
    rows = [
        {
            "ts": ts.astype("datetime64[us]").item(),
            **dict.fromkeys(("open", "high", "low", "close"), close),
            "volume": volume,
        }
        for ts, close, volume in bars
    ]
    found = [{"ex_date": day, "kind": kind, "value": value} for (day, kind), value in sorted(actions.items())]
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(BARS_SCHEMA)[:-1]))
    return Fetched(
        symbol,
        None,
        table.append_column("delivered", pa.nulls(len(table), pa.string())),
        pa.Table.from_pylist(found, schema=ACTIONS_SCHEMA),
    )
