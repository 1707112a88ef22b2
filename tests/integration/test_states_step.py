"""Where symbols stand over a lake of real bars: written with the alerts, and the same of any day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lake.config import Settings, load_settings
from lake.errors import UnknownSymbol
from lake.features.kernel import compute
from lake.features.standing import TIMEFRAMES
from lake.market.adjust import adjusted
from lake.steps.alerts import raise_alerts
from lake.steps.derive import derive_longer_bars
from lake.steps.ingest import default_request, ingest
from lake.steps.states import find_states, keep_states
from lake.store.catalog import connect, parse_as_of
from lake.store.lake import Lake
from lake.store.reads import read_history
from tests.lakes import run_lake, table_versions


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load_settings(lake_root=str(tmp_path_factory.mktemp("states") / "lake"))
    ingest(settings, default_request(settings, source="sample", symbols=["AAPL", "IBM"]))
    derive_longer_bars(settings)
    return settings


def by_symbol(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["symbol"]: row for row in rows}


@pytest.mark.parametrize("day", ["2003-06-30", "2009-03-09", "2012-04-10"])
def test_states_are_what_the_features_say(sample: Settings, day: str) -> None:
    """Worked out a second time from the bars that had closed by then, in the plainest way."""
    rows = by_symbol(find_states(sample, as_of=parse_as_of(day)).to_pylist())
    con = connect(Lake.open(sample))
    end = np.datetime64(day) + np.timedelta64(1, "D")
    above: dict[str, dict[str, tuple[bool, bool]]] = {name: {} for name in rows}
    sums: dict[str, dict[str, float]] = {name: {} for name in rows}
    for timeframe in TIMEFRAMES:
        for whole, actions in read_history(con, timeframe):
            bars = adjusted(whole[whole.is_complete & (whole.closes_at < end)], actions, "split")
            columns = compute(bars, ["ema_13", "ema_169"])
            close, short, long = bars.close, columns["ema_13"], columns["ema_169"]
            if np.isfinite(short[-60:]).sum() == 60:
                sums[bars.symbol][timeframe] = sum(
                    max(0.0, e - c) for e, c in zip(short[-60:], close[-60:], strict=True)
                )
            if np.isfinite(long[-1]):
                above[bars.symbol][timeframe] = (close[-1] > short[-1], close[-1] > long[-1])
    for symbol, row in rows.items():
        best = min(sums[symbol], key=sums[symbol].__getitem__)
        assert (row["best_timeframe"], row["shortfall"]) == (best, pytest.approx(sums[symbol][best]))
        stands = above[symbol]
        sells = any(not all(stands[name]) for name in ("1d", "3d") if name in stands)
        buys = all(all(stands[name]) for name in ("1d", "3d", "6d", "13d") if name in stands)
        assert row["state"] == ("sell" if sells else "buy" if buys else "hold")


def test_history_that_is_missing_is_said_by_nothing(sample: Settings) -> None:
    young = by_symbol(find_states(sample, ["IBM"], parse_as_of("2000-08-09")).to_pylist())["IBM"]
    assert young["state"] is None and young["best_timeframe"] == "1d"
    assert set(json.loads(young["standings"])["1d"]) == {"close", "ema_13", "shortfall"}
    unborn = by_symbol(find_states(sample, ["IBM"], parse_as_of("1999-12-31")).to_pylist())["IBM"]
    assert [unborn[name] for name in ("session", "close", "state", "best_timeframe")] == [None] * 4


def test_they_are_written_with_the_alerts_and_a_repeat_writes_nothing(sample: Settings) -> None:
    raise_alerts(sample, ["IBM"])
    lake = Lake.open(sample)
    assert [row["symbol"] for row in lake.table("symbol_states").to_pyarrow_table().to_pylist()] == ["IBM"]
    keep_states(lake, connect(lake), ["AAPL", "IBM"])
    con = connect(lake)
    stored = con.execute("SELECT * FROM symbol_states ORDER BY symbol").to_arrow_table().to_pylist()
    assert stored == find_states(sample).to_pylist()
    [(price,)] = con.execute(
        "SELECT arg_max(close, ts) FROM bars WHERE symbol = 'AAPL' AND timeframe = '1d' AND is_complete"
    ).fetchall()
    assert by_symbol(stored)["AAPL"]["close"] == price
    versions = table_versions(sample)
    assert keep_states(lake, con, ["AAPL", "IBM"]).is_empty
    assert table_versions(sample) == versions


def test_the_command_shows_them_as_of_any_day(sample: Settings) -> None:
    root = Path(sample.lake_root)
    done = run_lake(root, "states", "--symbols", "IBM", "--as-of", "2009-03-09", "--format", "json")
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)
    assert (row["symbol"], row["session"], row["state"]) == ("IBM", "2009-03-09", "sell")
    with pytest.raises(UnknownSymbol, match="found NOPE"):
        find_states(sample, ["NOPE"])
