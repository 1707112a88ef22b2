"""MongoDB away, and a simulated market: what waits is not lost, and a session follows where the lake ends."""

from __future__ import annotations

from pathlib import Path

import pymongo

from lake.feed.topics import ALERTS, CANDLES, CANDLES_RAW
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.alerts import live_alerts
from tests.lakes import run_lake
from tests.recordings import made_up, record
from tests.servers import free_port, start_mongo
from tests.streams import Stream, embedded_broker, require_stream, streaming


def test_alerts_wait_for_a_mongodb_that_is_down(tmp_path: Path) -> None:
    require_stream()
    for name in ("broker", "mongo"):
        (tmp_path / name).mkdir()
    port = free_port()
    url = f"mongodb://127.0.0.1:{port}/lake"
    with embedded_broker(tmp_path / "broker") as broker, streaming(tmp_path / "s", url, broker) as stream:
        stream.start()
        file = record(made_up(symbols=2, sessions=2, seed=5), tmp_path / "minutes.parquet")
        stream.run("replay", "--path", str(file))
        stream.wait_for(lambda: stream.lag(CANDLES_RAW) == 0)
        stream.wait_for(lambda: stream.lag(CANDLES) == 0)
        stream.wait_for(lambda: "the alerts wait" in stream.log)
        alerts = live_alerts(stream.settings)
        assert len(alerts) > 20
        assert stream.lag(ALERTS) >= len(alerts)
        mongo = start_mongo(tmp_path / "mongo", port)
        try:
            stream.wait_for(lambda: stream.lag(ALERTS) == 0)
            with pymongo.MongoClient(url) as client:
                found = client.get_default_database()["alerts"].find({}, {"_id": 1})
                assert {document["_id"] for document in found} == alerts.keys()
            assert stream.stop() == 0
        finally:
            mongo.stop()


def ingest(stream: Stream, *arguments: str) -> None:
    """Load simulated daily bars of two symbols."""
    base = ("ingest", "--source", "simulated", "--symbols", "SIM01,SIM02", "--from", "2023-06-01")
    done = run_lake(Path(stream.settings.lake_root), *base, *arguments)
    assert done.returncode == 0, done.stderr


def test_a_simulation_goes_on_where_the_lake_ends(stream: Stream) -> None:
    ingest(stream, "--to", "2024-03-01")
    stream.start()
    assert "2 sessions" in stream.run("simulate", "--sessions", "2", "--speed", "0")
    stream.wait_until_done()
    assert stream.run("simulate", "--symbols", "SIM02", "--speed", "0", "--faults", "0.02")
    stream.wait_until_done()
    assert stream.stop() == 0
    con = connect(Lake.open(stream.settings))
    sessions = con.execute(
        "SELECT DISTINCT session::VARCHAR, symbol FROM candles "
        "WHERE timeframe = '1m' AND source = 'simulated' ORDER BY ALL"
    ).fetchall()
    days = ["2024-03-04", "2024-03-05"]
    assert sessions == [
        *((day, name) for day in days for name in ("SIM01", "SIM02")),
        ("2024-03-06", "SIM02"),
    ]
    (step,) = con.execute(
        """
        SELECT max(abs(first / close - 1)) FROM (
            SELECT symbol, arg_max(close, ts) AS close FROM bars WHERE timeframe = '1d' GROUP BY 1
        ) JOIN (SELECT symbol, arg_min(open, ts) AS first FROM candles WHERE timeframe = '1m' GROUP BY 1)
        USING (symbol)
        """
    ).fetchone() or (1.0,)
    assert step < 0.05
    (last,) = con.execute("SELECT max(session)::VARCHAR FROM bars WHERE timeframe = '1d'").fetchone() or ("",)
    assert last == "2024-03-01"
    (dead,) = con.execute("SELECT count(*) FROM dead_letters").fetchone() or (0,)
    assert dead > 0


def test_nothing_is_simulated_where_real_data_may_still_come(stream: Stream) -> None:
    ingest(stream)
    process = stream.command("simulate", "--speed", "0")
    _, err = process.communicate()
    assert process.returncode == 1
    assert "expected a session that is over to simulate" in err
    assert "Traceback" not in err


def test_what_a_user_did_wrong_is_one_sentence(stream: Stream, tmp_path: Path) -> None:
    for arguments, sentence in (
        (("simulate",), "run `lake ingest` first"),
        (("replay",), "expected either --path or --from-lake"),
        (("replay", "--from-lake"), "expected --timeframe with --from-lake"),
        (("replay", "--path", str(tmp_path / "none")), "no such file or folder"),
    ):
        process = stream.command(*arguments)
        _, err = process.communicate()
        assert process.returncode == 1
        assert sentence in err
        assert "Traceback" not in err
