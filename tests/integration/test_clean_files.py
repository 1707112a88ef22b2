"""Clean files raise few alarms, each of them named here; every row of a source is accounted for."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lake.config import Settings
from lake.steps.ingest import default_request, ingest, plan, stage
from tests.dirty import observed

ALARMS: dict[str, dict[tuple[str, str], str]] = {
    "daily/AAPL": {("AAPL", "2000-09-29"): "jump"},  # a profit warning
    "daily/BA": {},
    "daily/CAT": {("CAT", "1964-07-06"): "jump"},  # a split that the source is missing
    "daily/F": {},
    "daily/IBM": {},
    "daily/MSFT": {},
    "daily/SPY": {},
    "daily/XOM": {("XOM", "1977-11-18"): "repeat"},
    "daily_short/eqker_2018-2019": {},
    "breadth/panel_2015-03_2017-03": {
        ("BAX", "2015-07-01"): "jump",  # a spin-off without a value
        ("BMRN", "2015-11-24"): "zero_volume",
        ("CF", "2015-06-18"): "jump",  # a split that the source is missing
        ("ETE", "2016-02-08"): "jump",  # a real fall
        ("SBAC", "2017-01-17"): "zero_volume",
        ("UA", "2016-04-08"): "jump",  # a split that the source is missing
        ("VRX", "2016-03-15"): "jump",  # a real fall
    },
}


@pytest.mark.parametrize("name", list(ALARMS))
def test_alarms_on_clean_files_are_few_and_known(name: str, shared_data: Path, settings: Settings) -> None:
    basis = "split" if name in ("daily/SPY", "daily/XOM") else "raw"
    path = shared_data / f"{name}.parquet"
    ingest(settings, default_request(settings, source="files", path=str(path), price_basis=basis))
    found = observed(settings)
    assert found.suspect_bars == ALARMS[name]
    assert len(found.suspect_bars) < 0.005 * found.bars
    assert found.bars + sum(found.quarantined.values()) == pq.read_metadata(path).num_rows


@pytest.mark.parametrize(
    "name",
    [
        "1m/eqker_2019-02",
        "1m/google_AAPL_2016-04_05",
        "1m/nse_JUNIORBEES",
        "5m/eqker_2019-02",
        "5m/google_AAPL_2016-04_05",
        "5m/nse_JUNIORBEES",
        "15m/eqker_2019-02",
        "15m/google_AAPL_2016-04_05",
        "15m/nse_JUNIORBEES",
        "1m_vendor/lwc_2023",
        "5m_vendor/lwc_2023",
        "30m_vendor/lwc_2023",
        "15m_vendor/eqker_2019-01_02",
    ],
)
def test_every_row_of_an_intraday_file_is_a_candle_aside_or_counted(
    name: str, shared_data: Path, settings: Settings
) -> None:
    path = shared_data / "intraday" / f"{name}.parquet"
    request = default_request(
        settings,
        source="files",
        path=str(path),
        timeframe=name.split("/")[0].split("_")[0],
        exchange="XNSE" if "nse" in name else "XNYS",
    )
    counts = [stage(settings, request, "run", chunk) for chunk in plan(settings, request)]
    accounted = sum(count["candles"] + count["quarantine"] + count["extended_hours"] for count in counts)
    assert accounted == pq.read_metadata(path).num_rows
    assert sum(count["candles"] for count in counts) > 0
