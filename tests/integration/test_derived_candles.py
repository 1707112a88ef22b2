"""5, 15 and 30 minute bars of the lake, derived from the minutes that were landed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.config import Settings
from lake.errors import BadInput
from lake.steps.derive import derive_longer_bars
from lake.steps.ingest import default_request, ingest
from lake.steps.lookahead import require_no_lookahead, verify_lookahead
from lake.steps.verify import verify
from lake.store.catalog import connect
from lake.store.lake import Lake

MINUTES = ["2019-01-02T14:30", "2019-01-02T14:31", "2019-01-02T14:36"]


def load(
    settings: Settings, folder: Path, starts: list[str], timeframe: str = "1m", close: float = 10.0
) -> None:
    """Land flat candles of AAPL from a file of the timeframe."""
    moments = [datetime.fromisoformat(start).replace(tzinfo=UTC) for start in starts]
    flat: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close"), pa.array([close] * len(starts)))
    file = folder / f"{timeframe}.parquet"
    rows = {"symbol": ["AAPL"] * len(starts), "ts": moments, **flat, "volume": [100.0] * len(starts)}
    pq.write_table(pa.table(rows), file)
    ingest(settings, default_request(settings, source="files", path=str(file), timeframe=timeframe))


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    return connect(Lake.open(settings)).execute(query).fetchall()


def fives(settings: Settings) -> list[tuple[Any, ...]]:
    return ask(
        settings,
        "SELECT strftime(ts, '%H:%M'), close, volume, source, is_complete FROM candles "
        "WHERE timeframe = '5m' ORDER BY ts",
    )


def test_minutes_become_longer_bars_and_deriving_again_changes_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    load(settings, tmp_path, MINUTES)
    assert derive_longer_bars(settings, timeframes=["5m", "15m"])["inserted"] == 3
    assert fives(settings) == [
        ("14:30", 10.0, 200.0, "derived", True),
        ("14:35", 10.0, 100.0, "derived", True),
    ]
    version = Lake.open(settings).table("candles").version()
    assert derive_longer_bars(settings, timeframes=["5m", "15m"]) == {
        "timeframes": 2,
        "inserted": 0,
        "closed": 0,
    }
    assert Lake.open(settings).table("candles").version() == version


def test_a_bar_is_written_only_once_it_has_closed(settings: Settings, tmp_path: Path) -> None:
    load(settings, tmp_path, MINUTES)
    early = datetime(2019, 1, 2, 14, 40, 9, tzinfo=UTC)
    derive_longer_bars(settings, timeframes=["5m"], now=early)
    assert [row[0] for row in fives(settings)] == ["14:30"]
    derive_longer_bars(settings, timeframes=["5m"], now=early.replace(second=10))
    assert [row[0] for row in fives(settings)] == ["14:30", "14:35"]


def test_a_bar_that_the_clock_has_closed_does_not_look_ahead(settings: Settings, tmp_path: Path) -> None:
    """Nobody traded at 14:37 to 14:39, so no minute says that the bar of 14:35 has ended."""
    load(settings, tmp_path, MINUTES)
    closed = datetime(2019, 1, 2, 14, 40, 10, tzinfo=UTC)
    derive_longer_bars(settings, timeframes=["5m"], now=closed)
    looked = verify_lookahead(settings, timeframes=["5m"], now=closed)
    assert (looked.histories, looked.findings) == (1, [])
    (finding,) = verify_lookahead(settings, timeframes=["5m"], now=closed.replace(second=9)).findings
    assert "the bar of 2019-01-02T14:35:00Z is open by the bars up to there, complete in the lake" in str(
        finding
    )
    assert require_no_lookahead(settings)["findings"] == 0  # what the pipeline asks


def test_nothing_is_written_while_no_bar_has_closed(settings: Settings, tmp_path: Path) -> None:
    load(settings, tmp_path, MINUTES[:1])
    early = datetime(2019, 1, 2, 14, 31, tzinfo=UTC)
    assert derive_longer_bars(settings, now=early)["inserted"] == 0


def test_a_late_minute_revises_its_bar(settings: Settings, tmp_path: Path) -> None:
    load(settings, tmp_path, MINUTES)
    derive_longer_bars(settings)
    load(settings, tmp_path, ["2019-01-02T14:32"], close=11.0)
    assert derive_longer_bars(settings)["closed"] == 3
    assert fives(settings)[0] == ("14:30", 11.0, 300.0, "derived", True)


@pytest.mark.parametrize("vendor_first", [True, False])
def test_a_delivered_bar_wins_over_the_derived_one_in_any_order(
    settings: Settings, tmp_path: Path, vendor_first: bool
) -> None:
    load(settings, tmp_path, MINUTES)
    steps = [
        lambda: load(settings, tmp_path, ["2019-01-02T14:30"], "5m", 12.0),
        lambda: derive_longer_bars(settings),
    ]
    for step in steps if vendor_first else reversed(steps):
        step()
    derive_longer_bars(settings)
    assert [row[:4] for row in fives(settings)] == [
        ("14:30", 12.0, 100.0, "files"),
        ("14:35", 10.0, 100.0, "derived"),
    ]


@pytest.mark.parametrize(
    ("name", "exchange", "opens"),
    [
        ("eqker_2019-02", "XNYS", "14:30"),
        ("google_AAPL_2016-04_05", "XNYS", "13:30"),  # the print of 09:29 in New York makes no bar
        ("nse_JUNIORBEES", "XNSE", "03:45"),
    ],
)
def test_longer_candles_of_real_minutes_equal_the_independent_ones(
    settings: Settings, shared_data: Path, name: str, exchange: str, opens: str
) -> None:
    folder = shared_data / "intraday"
    files = {"source": "files", "timeframe": "1m", "exchange": exchange}
    ingest(settings, default_request(settings, path=str(folder / "1m" / f"{name}.parquet"), **files))
    derive_longer_bars(settings)
    for timeframe in ("5m", "15m"):
        file = folder / timeframe / f"{name}.parquet"
        differing = ask(
            settings,
            f"""
            SELECT symbol, ts
            FROM (SELECT * FROM candles WHERE timeframe = '{timeframe}') AS made
            FULL JOIN (FROM read_parquet('{file}') WHERE strftime(ts, '%H:%M') >= '{opens}') AS found
            USING (symbol, ts)
            WHERE made.close IS NULL OR found.close IS NULL OR made.open <> found.open
               OR made.high <> found.high OR made.low <> found.low
               OR made.close <> found.close OR made.volume <> found.volume
            """,
        )
        assert differing == []
    assert all(audit.is_clean for audit in verify(settings))


def test_longer_candles_of_real_minutes_equal_those_that_the_vendor_recorded(
    settings: Settings, shared_data: Path
) -> None:
    folder = shared_data / "intraday"
    minutes = folder / "1m" / "eqker_2019-02.parquet"
    ingest(settings, default_request(settings, source="files", path=str(minutes), timeframe="1m"))
    derive_longer_bars(settings, timeframes=["15m"])
    file = folder / "15m_vendor" / "eqker_2019-01_02.parquet"
    agreeing = ask(
        settings,
        f"""
        SELECT symbol, count(*), count(*) FILTER (made.volume = found.volume) >= 129
        FROM candles AS made JOIN read_parquet('{file}') AS found USING (symbol, ts)
        WHERE made.timeframe = '15m' AND made.open = found.open AND made.high = found.high
          AND made.low = found.low AND made.close = found.close
        GROUP BY symbol HAVING count(*) = 130 ORDER BY symbol
        """,
    )
    assert agreeing == [(symbol, 130, True) for symbol in ("AMZN", "BK", "GLD", "JPM", "MU", "XLP")]


@pytest.mark.parametrize("timeframe", ["1m", "1d"])
def test_a_timeframe_that_is_delivered_is_not_derived(settings: Settings, timeframe: str) -> None:
    with pytest.raises(BadInput, match="expected a timeframe that is derived"):
        derive_longer_bars(settings, timeframes=[timeframe])
