"""Stored bars and actions of real histories reproduce what their sources made of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from lake.config import Settings, load_settings
from lake.market.bars import Dates, Floats
from lake.steps.derive import derive_longer_bars
from lake.steps.ingest import default_request, ingest
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.lakes import content
from tests.market import RAW, SPLIT_ADJUSTED

FLOAT32 = 1.5e-6
"""Prices of the Yahoo files are float32, and their adjusted closes products of several: measured on days
without any action, where adjusted closes should move as closes do."""
DECIMALS = 0.5e-6
"""Their closes and adjusted closes are rounded to six decimals."""
CENTS = 0.5e-3
"""Their dividends are rounded to three decimals."""


def stored(settings: Settings, folder: Path, symbol: str) -> duckdb.DuckDBPyConnection:
    """Load one file into a lake and return its catalog."""
    basis = "split" if symbol in SPLIT_ADJUSTED else "raw"
    path = str(folder / "daily" / f"{symbol}.parquet")
    ingest(settings, default_request(settings, source="files", path=path, price_basis=basis))
    return connect(Lake.open(settings))


def their_growth(folder: Path, symbol: str, days: Dates) -> tuple[Floats, Floats]:
    """Return the source's adjusted closes of some days, and each one over the one before."""
    rows = pq.read_table(folder / "daily" / f"{symbol}.parquet", columns=["ts", "adj_close"])
    own = rows["ts"].to_numpy().astype("datetime64[D]")
    adjusted: Floats = rows["adj_close"].to_numpy()[np.searchsorted(own, days)]
    return adjusted, adjusted[1:] / adjusted[:-1]


def by_day(con: duckdb.DuckDBPyConnection, days: Dates, kind: str, nothing: float) -> Floats:
    """Return the value of every stored action of a kind on the bar on which it takes effect."""
    query = "SELECT ex_date, value FROM actions WHERE kind = ? AND is_applied ORDER BY ex_date"
    rows = con.execute(query, [kind]).fetchnumpy()
    values = np.full(len(days), nothing)
    values[np.searchsorted(days, rows["ex_date"].astype("datetime64[D]"))] = rows["value"]
    return values


@pytest.mark.parametrize("symbol", RAW)
def test_raw_closes_and_actions_reproduce_quandls_adjusted_closes(
    symbol: str, shared_data: Path, settings: Settings
) -> None:
    con = stored(settings, shared_data, symbol)
    rows = con.execute("SELECT session, close FROM bars WHERE timeframe = '1d' ORDER BY ts").fetchnumpy()
    days, close = rows["session"].astype("datetime64[D]"), rows["close"]
    split, dividend = by_day(con, days, "split", 1.0), by_day(con, days, "dividend", 0.0)
    ours = (close[1:] * split[1:] + dividend[1:]) / close[:-1]
    _, theirs = their_growth(shared_data, symbol, days)
    assert np.abs(ours / theirs - 1).max() <= 1e-9
    assert con.execute("SELECT count(*) FROM actions WHERE NOT is_applied").fetchone() == (0,)


@pytest.mark.parametrize("symbol", SPLIT_ADJUSTED)
def test_the_total_basis_reproduces_yahoos_adjusted_closes_to_their_rounding(
    symbol: str, shared_data: Path, settings: Settings
) -> None:
    con = stored(settings, shared_data, symbol)
    query = """
        SELECT b.session, b.close AS raw, a.close AS total FROM bars AS b
        JOIN bars_adjusted AS a USING (symbol, timeframe, ts) WHERE a.basis = 'total' ORDER BY ts
    """
    rows = con.execute(query).fetchnumpy()
    days, close, total = rows["session"].astype("datetime64[D]"), rows["raw"], rows["total"]
    adjusted, theirs = their_growth(shared_data, symbol, days)
    decimals = DECIMALS * (1 / adjusted + 1 / close)
    dividend = by_day(con, days, "dividend", 0.0)[1:]
    cents = np.where(dividend > 0, CENTS / (close[:-1] - dividend), 0.0)
    error = np.abs(total[1:] / total[:-1] / theirs - 1)
    assert (error <= FLOAT32 + decimals[1:] + decimals[:-1] + cents).all()
    # The last bar has nothing after it, so it is as traded on every basis.
    assert total[-1] == close[-1]


SPLIT_DAY = date(2005, 2, 28)
"""Apple's split of two for one."""


def in_parts(root: Path, shared_data: Path, *parts: tuple[str | None, str | None]) -> Settings:
    """Return the lake of Apple's history when it came in parts, each from one day to another."""
    settings = load_settings(lake_root=str(root))
    path = str(shared_data / "daily" / "AAPL.parquet")
    for first, last in parts:
        span = {
            "start": date.fromisoformat(first) if first else None,
            "end": date.fromisoformat(last) if last else None,
        }
        ingest(settings, default_request(settings, source="files", path=path, **span))
    return settings


def test_a_split_that_comes_later_revises_no_bar_and_a_back_fill_gives_the_same_rows(
    shared_data: Path, tmp_path: Path
) -> None:
    before, after = ("2003-01-01", "2005-02-25"), (str(SPLIT_DAY), "2006-12-29")
    forward = in_parts(tmp_path / "forward", shared_data, before, after)
    con = connect(Lake.open(forward))
    assert con.execute("SELECT count(*) FROM revisions").fetchone() == (0,)
    assert con.execute("SELECT ex_date, value FROM actions").fetchall() == [(SPLIT_DAY, 2.0)]
    ((close,),) = con.execute("SELECT close FROM bars WHERE session = DATE '2005-02-25'").fetchall()
    assert close == 88.99  # as traded on the day before

    back_filled = in_parts(tmp_path / "back", shared_data, after, before)
    at_once = in_parts(tmp_path / "once", shared_data, (before[0], after[1]))
    for settings in (forward, back_filled, at_once):
        derive_longer_bars(settings, timeframes=["1wk", "5d", "13d"])
    assert content(back_filled) == content(forward) == content(at_once)
