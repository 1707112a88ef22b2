"""5,000 hostile strings as symbols, at every door: each is refused, and no path is made of one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.cli.options import symbols_of
from lake.config import Settings
from lake.errors import BadSymbol
from lake.feed.validate import check
from lake.market.symbols import is_symbol
from lake.sources.base import IngestRequest
from lake.steps.derive import derive_longer_bars
from lake.steps.enrich import enrich_features
from lake.steps.ingest import default_request, ingest
from lake.steps.publish import publish_documents
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.tables import TABLES
from tests.lakes import ODD_FOLDER, run_lake

COUNT = 5_000
PATHS = (
    "../x .. ... ../../etc/passwd /etc/passwd /tmp/lake-was-here A/B A\\B C:\\A A/../../B %2e%2e %2e%2e%2fx"
)
COMMANDS = "~ ~root $HOME `id` $(id) ;id |id &id * ? A* -A {{7*7}} ${jndi:ldap://x} <script> A,B '--"
DEVICES = "con aux nul COM1: a aapl A..B =A .A"
LETTERS = ["А", "ＡＡＰＬ", "A\u202eB", "A\u0301", "İ", "ß", "\ufeffA", "\U0001f4a9", "A" * 21, "A" * 5_000]
BLANKS = ["", " ", "A ", " A", "\n", "A\nB", "A\r\nB", "\t", "A\0", "\0", "A\0.parquet", "' OR 1=1 --"]
KNOWN = [*PATHS.split(), *COMMANDS.split(), *DEVICES.split(), *LETTERS, *BLANKS]
ALPHABETS = (
    "AB./\\%^=-~ \0é",
    "ABC.-=^",
    "../",
    "A\n\r\t;'\"`$(){}<>|&",
    "АВЕКМНОРСТХ",
    "\u200b\u202e\ufeffAB",
)
REAL = ("BRK.B", "^GSPC", "BTC-USD", "EURUSD=X", "7203.T", "CON")


@pytest.fixture(scope="module")
def hostile() -> list[str]:
    """Return 5,000 different strings that are no symbols."""
    chance, found = random.Random(20120103), dict.fromkeys(KNOWN)
    while len(found) < COUNT:
        text = "".join(chance.choices(chance.choice(ALPHABETS), k=chance.randint(1, 25)))
        if not is_symbol(text):
            found[text] = None
    assert not any(map(is_symbol, found))
    return list(found)


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[None]:
    """Check that nothing appears outside the lake, and inside it only what it always has."""
    yield
    assert {path.name for path in tmp_path.iterdir()} <= {"lake", ODD_FOLDER, "given", "var"}
    lakes = [path for path in (tmp_path / "lake", tmp_path / ODD_FOLDER) if path.exists()]
    assert lakes
    for lake in lakes:
        assert {path.name for path in lake.iterdir()} <= {*TABLES, "_locks", "_staging"}
        for path in lake.rglob("*"):
            name = str(path.relative_to(lake))
            assert name.isascii() and "passwd" not in path.name and "was-here" not in path.name
    assert not Path("/tmp/lake-was-here").exists()


def given(folder: Path, symbols: list[str]) -> Path:
    """Return a file of one bar a symbol, as Parquet, where every string can stand."""
    path = folder / "given" / "bars.parquet"
    path.parent.mkdir(exist_ok=True)
    count = len(symbols)
    prices = {name: [10.0] * count for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table({"symbol": symbols, "ts": ["2012-01-03"] * count, **prices}), path)
    return path


@pytest.mark.usefixtures("surroundings")
def test_rows_of_a_file_are_set_aside_and_those_of_real_symbols_load(
    settings: Settings, tmp_path: Path, hostile: list[str]
) -> None:
    path = given(tmp_path, [*hostile, *REAL])
    ingest(settings, default_request(settings, source="files", path=str(path)))
    con = connect(Lake.open(settings))
    assert con.execute("SELECT reason, count(*) FROM quarantine GROUP BY ALL").fetchall() == [
        ("bad_symbol", len(hostile))
    ]
    for view in ("bars", "symbols"):
        found = con.execute(f"SELECT symbol FROM {view} ORDER BY symbol").fetchall()
        assert [symbol for (symbol,) in found] == sorted(REAL)
    named = {json.loads(row)["symbol"] for (row,) in con.execute("SELECT row FROM quarantine").fetchall()}
    assert named == set(hostile)  # nothing is lost: what was delivered can be read


@pytest.mark.usefixtures("surroundings")
def test_requests_and_options_refuse_them(settings: Settings, hostile: list[str]) -> None:
    Lake.open(settings)
    for text in hostile:
        if "," in text or not text.strip() or is_symbol(text.strip()):
            continue  # a list of symbols, none, or one with blanks around it
        for door in (symbols_of, lambda name: IngestRequest("yahoo", (name,))):
            with pytest.raises(BadSymbol) as refused:
                door(text)
            assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("surroundings")
def test_the_stream_buries_their_candles(settings: Settings, hostile: list[str]) -> None:
    Lake.open(settings)
    now = datetime(2019, 2, 12, tzinfo=UTC)
    candle = {"timeframe": "1m", "ts": "2019-02-11T14:30:00Z", "is_closed": True, "source": "files"}
    candle |= dict.fromkeys(("open", "high", "low", "close", "volume"), 10.0)
    rows = [{**candle, "symbol": text} for text in hostile]
    for start in range(0, len(rows), 500):
        part = rows[start : start + 500]
        value = json.dumps({"v": 1, "candles": part}).encode()
        found = check(value, dict.fromkeys(REAL, "XNYS"), ("files",), now)
        assert found.candles == []
        assert [fault.reason for fault in found.faults] in (["unknown_symbol"] * len(part), ["too_long"])


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("text", ["/tmp/lake-was-here", "A/../../B", "A\nB"])
def test_the_command_line_refuses_them_in_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "lake").mkdir()
    done = run_lake(tmp_path / "lake", "ingest", "--source", "yahoo", "--symbols", text)
    assert done.returncode == 1
    assert done.stderr.startswith("lake: expected a symbol") and done.stderr.count("\n") == 1


@pytest.mark.usefixtures("surroundings")
def test_odd_but_real_symbols_go_through_every_table_and_to_mongodb(tmp_path: Path, mongo_url: str) -> None:
    from pymongo import MongoClient

    from lake.config import load_settings

    settings = load_settings(lake_root=str(tmp_path / "lake"), mongo_url=mongo_url)
    ingest(settings, default_request(settings, source="files", path=str(given(tmp_path, list(REAL)))))
    derive_longer_bars(settings, REAL, ["1wk"])
    enrich_features(settings, REAL, ["1d"])
    publish_documents(settings)
    features = connect(Lake.open(settings)).execute("SELECT DISTINCT symbol FROM features").fetchall()
    assert {symbol for (symbol,) in features} == set(REAL)
    with MongoClient(mongo_url) as client:
        found = client.get_default_database()["features"].distinct("symbol")
    assert set(found) == set(REAL)
