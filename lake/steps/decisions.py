"""What people decided about quarantined rows, suspect bars and suspect actions, for ingestion to heed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from lake.market.bars import VALUES, Bools
from lake.store.merge import TOLERANCE

RELEASED, DISCARDED = "released", "discarded"


@dataclass(frozen=True, slots=True)
class Decisions:
    """Every current decision, by what it is about.

    `rows` maps a quarantine_id to the verdict; `bars` a (symbol, timeframe, ts) and `actions` a
    (symbol, ex_date, kind) to the values decided about and the verdict, one pair each time.
    """

    rows: Mapping[str, str]
    bars: Mapping[tuple[Any, ...], Sequence[tuple[dict[str, Any], str]]]
    actions: Mapping[tuple[Any, ...], Sequence[tuple[dict[str, Any], str]]]

    def discarded_bars(self, rows: pa.Table) -> Bools:
        """Return the mask of bars that a person discarded."""
        return _matching(rows, _bar_key, self.bars, DISCARDED, VALUES)

    def released_bars(self, rows: pa.Table, among: Bools) -> Bools:
        """Return the mask of bars, of those `among`, that a person released."""
        return among & _matching(rows, _bar_key, self.bars, RELEASED, VALUES)

    def discarded_actions(self, rows: pa.Table) -> Bools:
        """Return the mask of actions that a person discarded."""
        return _matching(rows, _action_key, self.actions, DISCARDED, ("value",))

    def released_actions(self, rows: pa.Table, among: Bools) -> Bools:
        """Return the mask of actions, of those `among`, that a person released."""
        return among & _matching(rows, _action_key, self.actions, RELEASED, ("value",))


def read_decisions(con: duckdb.DuckDBPyConnection) -> Decisions:
    """Return the decisions that hold now."""
    found = con.execute("SELECT * FROM lake.decisions WHERE superseded_at IS NULL").to_arrow_table()
    rows: dict[str, str] = {}
    bars: dict[tuple[Any, ...], list[tuple[dict[str, Any], str]]] = {}
    actions: dict[tuple[Any, ...], list[tuple[dict[str, Any], str]]] = {}
    for decision in found.to_pylist():
        if decision["about"] == "row":
            rows[decision["subject"]] = decision["verdict"]
            continue
        values = json.loads(decision["row"])
        key: tuple[Any, ...] = (decision["symbol"], decision["timeframe"], decision["ts"])
        if decision["about"] == "action":
            key = (decision["symbol"], decision["ts"].date(), values["kind"])
        (bars if decision["about"] == "bar" else actions).setdefault(key, []).append(
            (values, decision["verdict"])
        )
    return Decisions(rows, bars, actions)


def subject_of(about: str, symbol: str, timeframe: str | None, moment: date | datetime, row: str) -> str:
    """Return the id of a suspect bar or action: a hash of its key and values."""
    parts = (about, symbol, timeframe or "", moment.isoformat(), row)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _bar_key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["symbol"], row["timeframe"], row["ts"]


def _action_key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["symbol"], row["ex_date"], row["kind"]


def _matching(
    rows: pa.Table,
    key_of: Any,
    decided: Mapping[tuple[Any, ...], Sequence[tuple[dict[str, Any], str]]],
    verdict: str,
    names: Sequence[str],
) -> Bools:
    mask = np.zeros(rows.num_rows, dtype=bool)
    symbols = {key[0] for key in decided}
    if not symbols:
        return mask
    candidates = np.flatnonzero(np.isin(rows["symbol"].to_numpy().astype(str), list(symbols)))
    for number, row in zip(candidates, rows.take(pa.array(candidates)).to_pylist(), strict=True):
        for values, found in decided.get(key_of(row), ()):
            if found == verdict and all(_same(row[name], values[name]) for name in names):
                mask[number] = True
    return mask


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other))
