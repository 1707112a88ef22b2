"""The view bars_adjusted and the function adjusted say the same; real adjusted closes are the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lake.config import Settings
from lake.market.adjust import adjusted
from lake.steps.ingest import default_request, ingest
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.reads import read_history


@pytest.mark.parametrize("basis", ["split", "total"])
def test_the_view_equals_the_function_on_every_bar_of_the_sample(settings: Settings, basis: str) -> None:
    ingest(settings, default_request(settings, source="sample"))
    con = connect(Lake.open(settings))
    for bars, actions in read_history(con, "1d"):
        rows = con.execute(
            "SELECT open, close, volume FROM bars_adjusted WHERE symbol = ? AND basis = ? ORDER BY ts",
            [bars.symbol, basis],
        ).to_arrow_table()
        ours = adjusted(bars, actions, basis)  # type: ignore[arg-type]
        for name in ("open", "close", "volume"):
            np.testing.assert_allclose(rows[name].to_numpy(), getattr(ours, name), rtol=1e-12)


def test_total_adjustment_reproduces_the_adjusted_closes_of_a_yahoo_file(
    settings: Settings, shared_data: Path
) -> None:
    path = shared_data / "daily" / "XOM.parquet"
    ingest(settings, default_request(settings, source="files", path=str(path), price_basis="split"))
    ((bars, actions),) = read_history(connect(Lake.open(settings)), "1d")
    theirs = pq.read_table(path)["adj_close"].to_numpy()
    ours = adjusted(bars, actions, "total").close
    # Dividends of this file carry three decimals, its adjusted closes six.
    np.testing.assert_allclose(ours[1:] / ours[:-1], theirs[1:] / theirs[:-1], rtol=3e-4)


def test_rows_on_the_split_basis_are_not_divided_by_known_splits_again(
    settings: Settings, tmp_path: Path
) -> None:
    header = "symbol,ts,open,high,low,close,volume,split\n"
    raw, already = tmp_path / "raw.csv", tmp_path / "already.csv"
    raw.write_text(header + "AAPL,2012-01-05,50,50,50,50,100,2\nAAPL,2012-01-06,51,51,51,51,100,1\n")
    already.write_text(header + "AAPL,2012-01-03,49,49,49,49,200,1\nAAPL,2012-01-04,48,48,48,48,200,1\n")
    ingest(settings, default_request(settings, source="files", path=str(raw)))
    ingest(settings, default_request(settings, source="files", path=str(already), price_basis="split"))
    con = connect(Lake.open(settings))
    ((bars, actions),) = read_history(con, "1d")
    assert bars.close.tolist() == [98.0, 96.0, 50.0, 51.0]
    assert bars.volume.tolist() == [100.0, 100.0, 100.0, 100.0]
    assert adjusted(bars, actions, "split").close.tolist() == [49.0, 48.0, 50.0, 51.0]
    view = con.execute("SELECT close FROM bars_adjusted WHERE basis = 'split' ORDER BY ts").fetchall()
    assert [row[0] for row in view] == [49.0, 48.0, 50.0, 51.0]
