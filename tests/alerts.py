"""What tests ask of alerts: those of the stream, and what batch says over the same candles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lake.config import Settings
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.lakes import run_lake

SCALE = 1e-9


def live_alerts(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the confirmed alerts that the stream raised first, by id."""
    con = connect(Lake.open(settings))
    rows = con.execute("SELECT * FROM alerts WHERE origin = 'stream' AND status = 'confirmed'")
    found = rows.to_arrow_table().to_pylist()
    return {row["alert_id"]: {**row, "values": json.loads(row["values"])} for row in found}


def batch_alerts(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what `lake alerts --dry-run` says of all landed candles, by id."""
    done = run_lake(Path(settings.lake_root), "alerts", "--dry-run", "--format", "json")
    assert done.returncode == 0, done.stderr
    found = {}
    for row in json.loads(done.stdout):
        values = row["values"]
        found[row["alert_id"]] = {**row, "values": json.loads(values) if isinstance(values, str) else values}
    return found


def assert_equal_alerts(live: dict[str, dict[str, Any]], batch: dict[str, dict[str, Any]]) -> None:
    """Check that both say the same: ids, sides, prices, and values to 1e-9 of their scale."""
    assert live.keys() == batch.keys()
    for alert_id, one in live.items():
        other = batch[alert_id]
        assert (one["side"], one["symbol"], one["rule"]) == (other["side"], other["symbol"], other["rule"])
        assert one["values"].keys() == other["values"].keys()
        pairs = [(one["price"], other["price"])]
        pairs += [(value, other["values"][name]) for name, value in one["values"].items()]
        for left, right in pairs:
            assert abs(left - right) <= SCALE * max(abs(right), abs(one["price"])), (one, other)
