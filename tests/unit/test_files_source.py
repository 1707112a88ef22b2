from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.errors import BadFile, BadInput
from lake.sources.base import Fetched, IngestRequest
from lake.sources.files import FilesSource

HEADER = "symbol,ts,open,high,low,close,volume"


def fetch(path: Path, *symbols: str, **request: object) -> list[Fetched]:
    asked = IngestRequest("files", path=str(path), **request)  # type: ignore[arg-type]
    source = FilesSource()
    return list(source.fetch(asked, symbols or source.offered(asked)))


def csv(folder: Path, *lines: str, header: str = HEADER, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_csv_and_parquet_of_the_same_rows_are_read_alike(tmp_path: Path) -> None:
    path = csv(tmp_path, "AAPL,2012-01-03,10,11,9,10.5,100")
    pq.write_table(
        pa.table(
            {
                "symbol": ["AAPL"],
                "ts": [date(2012, 1, 3)],
                "open": [10],
                "high": [11],
                "low": [9],
                "close": [10.5],
                "volume": [100],
            }
        ),
        tmp_path / "bars.parquet",
    )
    (from_csv,), (from_parquet,) = fetch(path), fetch(tmp_path / "bars.parquet")
    assert from_csv.bars.to_pylist() == from_parquet.bars.to_pylist()


def test_every_file_of_a_folder_is_read_in_order_of_name(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    csv(tmp_path, "AAPL,2012-01-03,10,11,9,10.5,100", name="a.csv")
    csv(tmp_path / "more", "AAPL,2012-01-03,10,11,9,10.6,100", "IBM,2012-01-03,1,1,1,1,1")
    apple, ibm = fetch(tmp_path)
    assert apple.bars["close"].to_pylist() == [10.5, 10.6]
    assert ibm.symbol == "IBM"


def test_a_cell_that_is_no_number_is_a_blank_and_the_row_is_kept_as_it_was_written(tmp_path: Path) -> None:
    (fetched,) = fetch(csv(tmp_path, "ORCL,2010-12-30,-,31.5,31.2,31.3,100"))
    (row,) = fetched.bars.to_pylist()
    assert row["open"] is None
    assert '"open":"-"' in row["delivered"]


def test_dividends_and_splits_become_actions(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "AAPL,2012-01-03,1,1,1,1,1,0.5,2",
        "AAPL,2012-01-04,1,1,1,1,1,0,1",
        "AAPL,2012-01-05,1,1,1,1,1,,",
        header=HEADER + ",dividend,split",
    )
    (fetched,) = fetch(path)
    assert [(a["kind"], a["value"]) for a in fetched.actions.to_pylist()] == [
        ("split", 2.0),
        ("dividend", 0.5),
    ]


def test_on_the_split_basis_the_split_column_is_no_split_history(tmp_path: Path) -> None:
    path = csv(tmp_path, "AAPL,2012-01-03,1,1,1,1,1,2", header=HEADER + ",split")
    (fetched,) = fetch(path, price_basis="split")
    assert fetched.actions.num_rows == 0


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path, "AAPL,2012-01-03,1,1,1,1", header="symbol,ts,open,high,low,close")
    with pytest.raises(BadFile, match="found symbol, ts, open, high, low, close; add volume"):
        fetch(path)


def test_a_broken_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(BadFile, match=r"expected a readable .*broken\.parquet"):
        fetch(path)


@pytest.mark.parametrize("name", ["nothing-here", "."])
def test_a_path_without_files_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="expected Parquet or CSV files at"):
        fetch(tmp_path / name)


def test_no_path_at_all_is_refused() -> None:
    with pytest.raises(BadInput, match="expected --path"):
        FilesSource().offered(IngestRequest("files"))


def test_bars_of_another_timeframe_are_pointed_out(shared_data: Path) -> None:
    with pytest.raises(BadInput, match="found bars of 5m; name one with --timeframe"):
        fetch(shared_data / "intraday" / "5m" / "eqker_2019-02.parquet")


def test_rows_whose_symbol_is_none_are_delivered_apart(tmp_path: Path) -> None:
    path = csv(tmp_path, "AAPL,2012-01-03,10,11,9,10.5,100", HEADER, "../x,2012-01-03,1,1,1,1,1")
    stray, apple = fetch(path)
    assert (stray.symbol, apple.symbol) == ("", "AAPL")
    assert stray.bars.num_rows == 2
    assert '"symbol":"../x"' in stray.bars["delivered"][1].as_py()


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("")
    with pytest.raises(BadFile, match="found an empty file; fetch it again"):
        fetch(tmp_path / "bars.csv")


def test_what_helps_to_judge_comes_along(tmp_path: Path) -> None:
    path = csv(tmp_path, "AAPL,2012-01-03,1,1,1,1,1,0.5,2", header=HEADER + ",adj_close,split")
    (as_traded,), (adjusted,) = fetch(path), fetch(path, price_basis="split")
    assert as_traded.bars["adj_close"].to_pylist() == [0.5]
    assert as_traded.bars["applied_split"].to_pylist() == [1.0]
    assert adjusted.bars["applied_split"].to_pylist() == [2.0]


def test_a_weekly_file_s_actions_have_no_day(tmp_path: Path) -> None:
    path = csv(tmp_path, "AAPL,2012-01-02,1,1,1,1,1,0.5,2", header=HEADER + ",dividend,split")
    (fetched,) = fetch(path, timeframe="1wk")
    assert fetched.actions.num_rows == 0
    assert fetched.bars["applied_split"].to_pylist() == [2.0]
