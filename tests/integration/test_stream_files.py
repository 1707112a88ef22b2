"""Recorded candles through the whole stream: landed once, with the alerts that batch finds."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pymongo
import pytest

from lake.alerts.alert import decode
from lake.config import Settings
from lake.feed.topics import ALERTS
from lake.market.bars import VALUES
from lake.market.sessions import calendar
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.alerts import assert_equal_alerts, batch_alerts, live_alerts
from tests.streams import Stream


def files_of(folder: Path, timeframe: str, target: Path) -> tuple[Path, Path]:
    """Return a folder with the files of American symbols, and the file of the Indian one."""
    target.mkdir()
    for file in (folder / "intraday" / timeframe).glob("*.parquet"):
        if not file.name.startswith("nse"):
            shutil.copy(file, target)
    return target, folder / "intraday" / timeframe / "nse_JUNIORBEES.parquet"


def in_session(file: Path, exchange: str) -> pa.Table:
    """Return the rows of a file that lie in a session of its exchange."""
    rows, days = pq.read_table(file), calendar(exchange)
    ts = rows["ts"].cast(pa.int64()).to_numpy().view("datetime64[us]")
    number = np.searchsorted(days.opens_at, ts, side="right") - 1
    return rows.filter(pa.array(ts < days.closes_at[number]))


def delivered(settings: Settings, timeframe: str) -> pa.Table:
    """Return every version of every landed candle of a timeframe."""
    con = connect(Lake.open(settings))
    return con.execute(
        "SELECT symbol, ts, open, high, low, close, volume FROM lake.candles WHERE timeframe = ? "
        "ORDER BY symbol, ts",
        [timeframe],
    ).to_arrow_table()


def topic_of_alerts(stream: Stream) -> list[str]:
    """Return the ids in topic alerts."""
    return [decode(value).alert_id for value in stream.messages(ALERTS)]


@pytest.mark.parametrize("timeframe", ["1m", "5m"])
def test_recorded_candles_arrive_once_and_raise_the_alerts_of_batch(
    stream: Stream, shared_data: Path, tmp_path: Path, timeframe: str
) -> None:
    american, indian = files_of(shared_data, timeframe, tmp_path / "files")
    stream.start()
    began = time.monotonic()
    stream.run("replay", "--path", str(american))
    stream.run("replay", "--path", str(indian), "--exchange", "XNSE")
    stream.wait_until_done()
    print(f"{timeframe}: done in {time.monotonic() - began:.1f} s")
    assert stream.stop() == 0

    files = [in_session(file, "XNYS") for file in american.iterdir()] + [in_session(indian, "XNSE")]
    expected = pa.concat_tables([file.select(["symbol", "ts", *VALUES]) for file in files])
    landed = delivered(stream.settings, timeframe)
    assert len(landed) == len(expected)
    wanted = expected.sort_by([("symbol", "ascending"), ("ts", "ascending")])
    assert landed["symbol"].to_pylist() == wanted["symbol"].to_pylist()
    assert landed["ts"].to_pylist() == wanted["ts"].to_pylist()
    for name in VALUES:
        np.testing.assert_allclose(landed[name], wanted[name].cast("float64"), rtol=1e-9, atol=1e-8)

    live = live_alerts(stream.settings)
    assert len(live) > 100
    assert_equal_alerts(live, batch_alerts(stream.settings))
    assert set(topic_of_alerts(stream)) == live.keys()
    with pymongo.MongoClient(stream.mongo_url) as client:
        documents = client.get_default_database()["alerts"].find({}, {"_id": 1})
        assert {document["_id"] for document in documents} == live.keys()


def test_minutes_add_up_to_the_longer_files(stream: Stream, shared_data: Path, tmp_path: Path) -> None:
    american, indian = files_of(shared_data, "1m", tmp_path / "files")
    stream.start()
    stream.run("replay", "--path", str(american))
    stream.run("replay", "--path", str(indian), "--exchange", "XNSE")
    stream.wait_until_done()
    assert stream.stop() == 0
    for timeframe in ("5m", "15m"):
        for minutes, exchange in [(file, "XNYS") for file in american.iterdir()] + [(indian, "XNSE")]:
            made = in_session(shared_data / "intraday" / timeframe / minutes.name, exchange)
            assert missing_of(stream.settings, made, timeframe) == []


def missing_of(settings: Settings, made: pa.Table, timeframe: str) -> list[object]:
    """Return the bars of a file that were landed otherwise; bars that nothing has closed yet aside."""
    con = connect(Lake.open(settings))
    con.register("made", made.select(["symbol", "ts", *VALUES]))
    differs = " OR ".join(f"abs(m.{name} - c.{name}) > 1e-9 * abs(m.{name})" for name in VALUES)
    return con.execute(
        f"""
        WITH closed AS (SELECT symbol, max(ts) AS last FROM candles WHERE timeframe = $timeframe GROUP BY 1)
        SELECT m.*, c.* FROM made AS m JOIN closed USING (symbol)
        LEFT JOIN (SELECT * FROM candles WHERE timeframe = $timeframe) AS c
          ON c.symbol = m.symbol AND c.ts = m.ts
        WHERE m.ts <= last AND (c.ts IS NULL OR {differs})
        """,
        {"timeframe": timeframe},
    ).fetchall()
