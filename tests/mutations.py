"""Real bars, the ways in which vendors spoil them, and what intake and judge say of the result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lake.config import Settings
from lake.market.sessions import calendar
from lake.sources.base import Fetched, IngestRequest, PriceBasis
from lake.sources.files import FilesSource
from lake.sources.intake import bars_table, take_in
from lake.steps.judgement import open_judge
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.tables import TABLES
from lake.store.tables.spec import BITEMPORAL

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume")
NOW = datetime(2026, 1, 2, tzinfo=UTC)

DAILY = (
    *(f"daily/{symbol}" for symbol in ("AAPL", "BA", "CAT", "F", "IBM", "MSFT")),
    "daily_short/eqker_2018-2019",
    "breadth/panel_2015-03_2017-03",
)
"""Files of days as traded; what is suspect in them as they are is listed in test_clean_files."""

Columns = dict[str, NDArray[Any]]


@dataclass
class Seen:
    """What became of delivered rows: reasons by day, how many entered and how many lay outside sessions."""

    said: dict[np.datetime64, set[str]] = field(default_factory=dict)
    entered: int = 0
    outside: int = 0

    def add(self, rows: pa.Table, moment: str, reason: str) -> None:
        """Take in the reasons of some rows."""
        days = rows[moment].cast(pa.date32()).to_pylist()
        for day, text in zip(days, rows[reason].to_pylist(), strict=True):
            if text:
                self.said.setdefault(np.datetime64(day), set()).update(text.split("; "))

    def of(self, ts: np.datetime64) -> set[str]:
        """Return everything that was said about a day."""
        return self.said.get(ts.astype("datetime64[D]"), set())


class Court:
    """Everything between a source and the merge, on an empty lake."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings, self._file = settings, folder / "rows.parquet"
        self._con = connect(Lake.open(settings))

    def see(self, columns: Columns, basis: PriceBasis = "raw", timeframe: str = "1d") -> Seen:
        """Return what is said about rows of one symbol that come as a file."""
        moments = pa.array(columns["ts"]).cast(pa.timestamp("us", "UTC"))
        pq.write_table(pa.table({**columns, "ts": moments}), self._file)
        request = IngestRequest("files", path=str(self._file), price_basis=basis, timeframe=timeframe)
        (fetched,) = FilesSource().fetch(request, [str(columns["symbol"][0])])
        taken = take_in(fetched, request, calendar("XNYS"), NOW)
        judge = replace(open_judge(self._settings, self._con), exchanges={fetched.symbol: "XNYS"})
        judged = judge.judge(bars_table(timeframe), taken.bars, _actions(fetched), NOW)
        seen = Seen(entered=judged.bars.num_rows, outside=taken.extended_hours)
        seen.add(taken.quarantine, "ts", "reason")
        seen.add(judged.bars, "ts", "quality_reason")
        seen.add(judged.actions, "ex_date", "quality_reason")
        return seen


def _actions(fetched: Fetched) -> pa.Table:
    schema = pa.schema([each for each in TABLES["actions"].schema if each not in BITEMPORAL])
    constants = {"symbol": fetched.symbol, "currency": "USD", "quality": "ok", "source": "files"}
    return pa.Table.from_pylist([{**row, **constants} for row in fetched.actions.to_pylist()], schema=schema)


class Histories(list[Columns]):
    """Real series; a failing test need not print them."""

    def __repr__(self) -> str:
        return f"{len(self)} histories"


def series_of(folder: Path, names: tuple[str, ...] = DAILY, least: int = 120) -> Histories:
    """Return every series of some files of the real data that has so many rows."""
    found = Histories()
    for name in names:
        rows = pq.read_table(folder / f"{name}.parquet").sort_by(
            [("symbol", "ascending"), ("ts", "ascending")]
        )
        for symbol in rows["symbol"].unique().to_pylist():
            own = rows.filter(pc.equal(rows["symbol"], symbol))
            if own.num_rows >= least:
                found.append(_columns(own))
    return found


def _columns(rows: pa.Table) -> Columns:
    names = [name for name in ("symbol", "ts", *VALUES, "dividend", "split") if name in rows.column_names]
    columns = {name: rows[name].to_numpy() for name in names}
    return {**columns, "ts": columns["ts"].astype("datetime64[us]")}


def window(columns: Columns, start: int, count: int) -> Columns:
    """Return copies of some rows."""
    return {name: values[start : start + count].copy() for name, values in columns.items()}


def scaled(columns: Columns, rows: slice | int, factor: float, names: tuple[str, ...] = PRICES) -> Columns:
    """Return rows in which some columns are multiplied."""
    changed = {name: columns[name].copy() for name in names}
    for values in changed.values():
        values[rows] *= factor
    return {**columns, **changed}


def split_on(columns: Columns, row: int, ratio: float) -> Columns:
    """Return the history as traded had a split come on a row, which is not recorded: it was dearer before."""
    before = scaled(columns, slice(0, row), ratio)
    return scaled(before, slice(0, row), 1 / ratio, ("volume",))


def recorded(columns: Columns, row: int, ratio: float) -> Columns:
    """Return rows with a split recorded on one."""
    splits = columns.get("split", np.ones(len(columns["ts"]))).copy()
    splits[row] = ratio
    return {**columns, "split": splits}


def is_a_plausible_fall(columns: Columns, row: int) -> bool:
    """Return whether the move to a row's close is one that design.md's thresholds let pass for news.

    It is within 40%, or within ten times the median absolute move of the year before (where there are 20).
    """
    close, ts = columns["close"], columns["ts"]
    moves = abs(close[1:] / close[:-1] - 1)
    first = int(np.searchsorted(ts, ts[row] - np.timedelta64(365, "D"))) + 1
    before = moves[first - 1 : row - 1]
    usual = float(np.median(before)) if len(before) >= 20 else 0.0
    return bool(moves[row - 1] <= 0.4 * 1.001 or moves[row - 1] <= 10.05 * usual)


def is_a_plausible_bar(columns: Columns, row: int) -> bool:
    """Return whether a row by itself is a bar, with high and low not several times off open and close."""
    open_, high, low, close = (float(columns[name][row]) for name in PRICES)
    top, bottom = max(open_, close), min(open_, close)
    return top <= high <= 6.25 * top and bottom / 6.25 <= low <= bottom
