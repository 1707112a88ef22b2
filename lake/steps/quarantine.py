"""A person's decisions: release or discard quarantined rows, suspect bars and suspect actions.

Both are corrections: they make new versions and overwrite none, and ingestion heeds them from then on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from lake.config import Settings
from lake.errors import BadInput
from lake.market.bars import VALUES
from lake.market.quality import RELEASABLE
from lake.market.sessions import calendar
from lake.sources.base import ACTIONS_SCHEMA, BARS_SCHEMA, EVIDENCE, Fetched, IngestRequest
from lake.sources.intake import bars_table, take_in
from lake.steps.decisions import DISCARDED, RELEASED, subject_of
from lake.steps.gaps import record_gaps
from lake.steps.judgement import open_judge, staged_schema
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.store.tables import TABLES

_BASIS = """
SELECT price_basis FROM bars WHERE symbol = ? AND timeframe = ? AND source = ?
ORDER BY abs(epoch(ts) - epoch(?::TIMESTAMPTZ)) LIMIT 1
"""
_LEAST_ID = 6


def suspects(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return every suspect bar and action: its id, what it is, and why it is suspect."""
    bars = con.execute(
        "SELECT * FROM bars WHERE quality = 'suspect' AND source <> 'derived' ORDER BY symbol, timeframe, ts"
    ).to_arrow_table()
    actions = con.execute(
        "SELECT * FROM actions WHERE quality = 'suspect' ORDER BY symbol, ex_date, kind"
    ).to_arrow_table()
    found = [_suspect("bar", row, row["timeframe"], row["ts"], VALUES) for row in bars.to_pylist()]
    for row in actions.to_pylist():
        start = datetime.combine(row["ex_date"], time(), UTC)
        found.append(_suspect("action", row, None, start, ("kind", "value")))
    return found


def decide(settings: Settings, ids: Sequence[str], verdict: str) -> dict[str, Any]:
    """Release or discard what `ids` (or their first characters) name, and return what changed.

    Raises:
        BadInput: an id names nothing, or more than one thing, or a row that cannot be a bar.
    """
    lake = Lake.open(settings)
    with lake.writing("bars"), lake.writing("candles"):
        con = connect(lake)
        rows, doubted = _named(con, ids)
        if verdict == RELEASED:
            for row in rows:
                _check_releasable(row)
        known_at = max(lake.stamp(name, now_utc()) for name in ("bars", "candles", "decisions"))
        lake.upsert("decisions", _decisions(rows, doubted, verdict), known_at)
        changed = _apply(settings, lake, rows if verdict == RELEASED else [], doubted, known_at)
        # Last, so that the command finishes what a killed run of it began.
        lake.upsert("quarantine", _with_status(rows, verdict), known_at)
    return {"decided": len(rows) + len(doubted), **changed}


def _suspect(
    about: str, row: dict[str, Any], timeframe: str | None, moment: datetime, names: Sequence[str]
) -> dict[str, Any]:
    values = json.dumps({name: row[name] for name in names})
    return {
        "id": subject_of(about, row["symbol"], timeframe, moment, values),
        "about": about,
        "symbol": row["symbol"],
        "timeframe": timeframe,
        "ts": moment,
        "source": row["source"],
        "reason": row["quality_reason"],
        "row": values,
    }


def _named(
    con: duckdb.DuckDBPyConnection, ids: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the held rows and the suspects that ids name."""
    held = con.execute("SELECT * FROM quarantine WHERE status = 'held'").to_arrow_table().to_pylist()
    known = {row["quarantine_id"]: row for row in held} | {row["id"]: row for row in suspects(con)}
    found: dict[str, dict[str, Any]] = {}
    for name in ids:
        matches = [subject for subject in known if len(name) >= _LEAST_ID and subject.startswith(name)]
        if len(matches) != 1:
            raise BadInput(
                f"expected the id of one held row, suspect bar or action, found {name!r} for {len(matches)}; "
                "see `lake quarantine list` and `lake quarantine list --suspect`"
            )
        found[matches[0]] = known[matches[0]]
    rows = [row for row in found.values() if "quarantine_id" in row]
    return rows, [row for row in found.values() if "quarantine_id" not in row]


def _check_releasable(row: dict[str, Any]) -> None:
    if row["reason"] not in RELEASABLE or row["symbol"] is None:
        raise BadInput(
            f"expected a row that could be a bar, found {row['quarantine_id'][:12]}: {row['detail']}; "
            "deliver it corrected, or discard it"
        )


def _decisions(rows: list[dict[str, Any]], doubted: list[dict[str, Any]], verdict: str) -> pa.Table:
    decided = [
        {
            "subject": row.get("quarantine_id") or row["id"],
            "about": row.get("about", "row"),
            **{name: row[name] for name in ("symbol", "timeframe", "ts", "row")},
            "verdict": verdict,
        }
        for row in (*rows, *doubted)
    ]
    return pa.Table.from_pylist(decided, schema=_schema("decisions"))


def _with_status(rows: list[dict[str, Any]], status: str) -> pa.Table:
    return pa.Table.from_pylist([{**row, "status": status} for row in rows], schema=_schema("quarantine"))


def _apply(
    settings: Settings,
    lake: Lake,
    released: list[dict[str, Any]],
    doubted: list[dict[str, Any]],
    known_at: datetime,
) -> dict[str, Any]:
    """Judge anew what was decided about, together with what stands around it, and merge that."""
    con = connect(lake)
    judge = open_judge(settings, con)
    about = [_current_action(con, row) for row in doubted if row["about"] == "action"]
    actions = pa.concat_tables([_schema("actions").empty_table(), *about])
    merges: list[tuple[str, pa.Table, pa.Table]] = []
    series: set[tuple[str, str]] = set()
    for table in ("candles", "bars"):
        fitting = [row for row in released if bars_table(row["timeframe"]) == table]
        parts = [_released_bar(con, row, judge.exchanges[row["symbol"]], known_at) for row in fitting]
        parts += [_current(con, table, row) for row in doubted if row["about"] == "bar"]
        bars = pa.concat_tables([staged_schema(table).empty_table(), *(_cast(part, table) for part in parts)])
        series |= {
            (row["timeframe"], row["symbol"]) for row in bars.select(["timeframe", "symbol"]).to_pylist()
        }
        judged = judge.judge(table, bars, actions, known_at)
        merges.append((table, judged.bars, judged.vanished_bars))
    # Actions come last: while they are suspect, the command finishes what a killed run of it began.
    merges.append(("actions", judged.actions, judged.vanished_actions))
    counts = {"inserted": 0, "closed": 0}
    for name, rows, keys in merges:
        change = lake.upsert(name, rows, known_at, keys)
        counts["inserted"] += change.inserted
        counts["closed"] += change.closed
    for timeframe, symbol in sorted(series):
        if timeframe != "1wk":
            record_gaps(lake, timeframe, [symbol], judge.exchanges, known_at)
    return counts


def _released_bar(
    con: duckdb.DuckDBPyConnection, row: dict[str, Any], exchange: str, now: datetime
) -> pa.Table:
    """Return a released row as ingestion would have taken it in."""
    delivered = json.loads(row["row"])
    values = {name: float(delivered[name]) for name in VALUES}
    bars = pa.Table.from_pylist([{"ts": row["ts"], **values, "delivered": row["row"]}], schema=BARS_SCHEMA)
    basis = con.execute(_BASIS, [row["symbol"], row["timeframe"], row["source"], row["ts"]]).fetchone()
    request = IngestRequest(
        row["source"], timeframe=row["timeframe"], price_basis=basis[0] if basis else "raw"
    )
    fetched = Fetched(row["symbol"], None, bars, ACTIONS_SCHEMA.empty_table())
    return take_in(fetched, request, calendar(exchange), now, {row["quarantine_id"]: RELEASED}).bars


def _current(con: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> pa.Table:
    """Return a suspect bar's row of its table; none if it is in the other one."""
    return con.execute(
        f"SELECT * FROM lake.{table} WHERE superseded_at IS NULL AND symbol = ? AND timeframe = ? AND ts = ?",
        [row["symbol"], row["timeframe"], row["ts"]],
    ).to_arrow_table()


def _current_action(con: duckdb.DuckDBPyConnection, row: dict[str, Any]) -> pa.Table:
    schema = _schema("actions")
    found = con.execute(
        "SELECT * FROM lake.actions WHERE superseded_at IS NULL AND symbol = ? AND ex_date = ? AND kind = ?",
        [row["symbol"], row["ts"].date(), json.loads(row["row"])["kind"]],
    ).to_arrow_table()
    return found.select(schema.names).cast(schema)


def _cast(rows: pa.Table, table: str) -> pa.Table:
    for name in EVIDENCE:
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.array(np.full(rows.num_rows, np.nan)))
    schema = staged_schema(table)
    return rows.select(schema.names).cast(schema)


def _schema(name: str) -> pa.Schema:
    return pa.schema(
        [field for field in TABLES[name].schema if field.name not in ("known_at", "superseded_at")]
    )


__all__ = ["DISCARDED", "RELEASED", "decide", "suspects"]
