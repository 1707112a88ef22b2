"""States in the lake: a start from them is as one from the first bar on; one that does not belong is void."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lake.config import Settings, load_settings
from lake.live import states
from lake.live.market import LiveMarket
from lake.live.needs import needs_of
from lake.live.restore import bring_states_forward, histories_of, save_states
from lake.live.states import stored_states
from lake.market.candles import Candle
from lake.rules.language import parse_rules, rules_for
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.tables import TABLES
from lake.thresholds import read_thresholds
from tests.conftest import CHECKOUT
from tests.live import NOW, Feed, assert_same_alerts, confirmed, land, list_symbols, messages, real_feed

LIMITS = read_thresholds(CHECKOUT / "conf")
EXCHANGES = {"AAPL": "XNYS"}
RULES = parse_rules(
    """
flow:
  description: Sums from the first bar on, and a mean.
  timeframes: [5m]
  fires: on_change
  severity: info
  precedence: [bearish, bullish]
  bullish: {all: [obv > 0, adl > 0, close > sma_7]}
  bearish: {all: ["obv < obv[-1]", close < sma_7]}
bounces:
  description: All methods.
  timeframes: [5m]
  fires: every_bar
  severity: info
  levels: {event: bounce, methods: [fractal, pivot, cluster, volume_profile, fibonacci]}
"""
)
NEEDS = needs_of(rules_for(RULES, "5m"))


@pytest.fixture(scope="module")
def feed(shared_data: Path) -> Feed:
    """Return two months of real minutes."""
    return real_feed(shared_data / "intraday" / "1m" / "google_AAPL_2016-04_05.parquet", "XNYS")


@pytest.fixture(scope="module")
def landed_once(feed: Feed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a lake in which nine tenths were landed, up to the middle of a session."""
    settings = load_settings(lake_root=str(tmp_path_factory.mktemp("states") / "lake"))
    lake, market = list_symbols(settings, EXCHANGES), LiveMarket(RULES, EXCHANGES, LIMITS)
    for message in messages(feed[: len(feed) * 9 // 10], 5_000):
        land(lake, market.take(message, NOW), EXCHANGES)
    return Path(settings.lake_root)


@pytest.fixture
def lake(settings: Settings, landed_once: Path) -> Lake:
    """Return a copy of that lake."""
    shutil.copytree(landed_once, settings.lake_root)
    return Lake.open(settings)


def restored(lake: Lake, saves: bool = False) -> tuple[LiveMarket, int, bool]:
    """Return the market of a lake, how many bars it was restored from, and whether a state was used."""
    with connect(lake) as con:
        histories = histories_of(con, RULES, ["AAPL"])
        [history] = histories.values()
        used = "5m" in history.carried
        market = LiveMarket.restored(RULES, EXCHANGES, LIMITS, histories, NOW)
        if saves:
            save_states(lake, con, RULES, market, histories)
    return market, len(history.bars["5m"]), used


def said(market: LiveMarket) -> Any:
    """Return what a market carries into its session, in a form that compares."""
    carried = market.carried("AAPL")["5m"]
    assert carried.levels is not None
    facts = (carried.session, carried.clean, carried.first_close, carried.has_moved, *carried.sums.values())
    return [*facts, dict(carried.cases), carried.levels.state()]


def assert_equal(one: Any, other: Any) -> None:
    """Assert that two states say the same, numbers to rounding."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-9)
    else:
        assert one == other


def test_a_start_from_a_stored_state_is_as_one_from_the_first_bar_on(lake: Lake, feed: Feed) -> None:
    whole, all_bars, used = restored(lake, saves=True)
    assert not used
    short, bars, used = restored(lake)
    assert used and NEEDS.bars < bars < NEEDS.bars + 2 * 78 < all_bars / 2
    assert_equal(said(short), said(whole))
    rest = feed[len(feed) * 9 // 10 :]
    alerts: list[list[Any]] = [[], []]
    for message in messages(rest, 700):
        for number, market in enumerate((whole, short)):
            alerts[number] += market.take(message, NOW).alerts
    assert_same_alerts(confirmed(alerts[1]), confirmed(alerts[0]))
    assert {alert.rule for alert in alerts[0]} == {"flow", "bounces"}
    assert_equal(said(short), said(whole))


def test_states_are_brought_forward_session_by_session(lake: Lake, feed: Feed) -> None:
    restored(lake, saves=True)
    [before] = connect(lake).execute("SELECT session FROM lake.live_states").fetchall()
    assert bring_states_forward(lake, RULES, EXCHANGES, LIMITS, NOW) == 0
    market = restored(lake)[0]
    for message in messages(feed[len(feed) * 9 // 10 :], 700):
        land(lake, market.take(message, NOW), EXCHANGES)
        bring_states_forward(lake, RULES, EXCHANGES, LIMITS, NOW)
    [after] = connect(lake).execute("SELECT session FROM lake.live_states").fetchall()
    assert after > before
    again, bars, used = restored(lake)
    assert used and bars < NEEDS.bars + 2 * 78
    assert_equal(said(again), said(market))


def landed(lake: Lake, candle: Candle) -> None:
    """Land one 5 minute bar, as another process may."""
    row = connect(lake).execute("SELECT * FROM lake.candles WHERE timeframe = '5m' LIMIT 1").to_arrow_table()
    start = datetime.fromtimestamp(candle.ts / 1e6, UTC)
    [found] = row.to_pylist()
    found |= dict(zip(("open", "high", "low", "close", "volume"), candle[2:7], strict=True))
    found |= {"ts": start, "closes_at": start + timedelta(minutes=5), "session": start.date()}
    found |= {"source": "yahoo", "month": start.year * 100 + start.month}
    schema = pa.schema([f for f in TABLES["candles"].schema if f.name not in ("known_at", "superseded_at")])
    rows = pa.Table.from_pylist([{name: found[name] for name in schema.names}], schema=schema)
    assert not lake.upsert("candles", rows, lake.stamp("candles", NOW)).is_empty


def split(lake: Lake, day: str) -> None:
    """Record a split."""
    names = [f for f in TABLES["actions"].schema if f.name not in ("known_at", "superseded_at")]
    row = {
        "symbol": "AAPL",
        "ex_date": datetime.fromisoformat(day).date(),
        "kind": "split",
        "value": 2.0,
        "currency": "USD",
        "quality": "ok",
        "source": "files",
    }
    lake.upsert("actions", pa.Table.from_pylist([row], schema=pa.schema(names)), lake.stamp("actions", NOW))


EARLY = Candle("5m", 1_460_728_800_000_000, 112.0, 113.0, 111.0, 112.5, 9.0)  # 2016-04-15 14:00 UTC
FOREIGN: dict[str, Callable[[Lake], None]] = {
    "correction of an earlier session": lambda lake: landed(lake, EARLY),
    "back-fill": lambda lake: landed(lake, EARLY._replace(ts=EARLY.ts - 7 * 86_400_000_000)),
    "split that is news": lambda lake: split(lake, "2016-04-20"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_state_is_void_after(lake: Lake, kind: str) -> None:
    restored(lake, saves=True)
    assert restored(lake)[2]
    FOREIGN[kind](lake)
    whole, bars, used = restored(lake, saves=True)
    assert not used and bars > NEEDS.bars * 2
    again, _, used = restored(lake)
    assert used
    assert_equal(said(again), said(whole))


def test_a_state_is_void_for_other_needs_or_code(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    restored(lake, saves=True)
    con = connect(lake)

    def found(needs: Any) -> bool:
        return "AAPL" in stored_states(con, "5m", ["AAPL"], needs)

    assert found(NEEDS) and found(NEEDS._replace(methods=("pivot",), sums=(), bars=NEEDS.bars - 1))
    assert not found(NEEDS._replace(methods=("pivot", "trend_line")))
    assert not found(NEEDS._replace(sums=("obv", "another")))
    assert not found(NEEDS._replace(bars=NEEDS.bars + 1))
    monkeypatch.setattr(states, "state_version", lambda: "other code")
    assert not found(NEEDS)


def test_a_session_that_begins_with_a_split_carries_nothing_over(feed: Feed) -> None:
    from tests.builders import actions

    days = sorted({np.datetime64(candle.ts, "us").astype("datetime64[D]") for _, candle in feed})
    own = {"AAPL": actions(splits=[(str(days[2]), 2.0)])}
    market = LiveMarket(RULES, EXCHANGES, LIMITS, own)
    seen: dict[np.datetime64, bool] = {}
    for _, candle in feed[: 390 * 4]:
        market.take([("AAPL", replace_prices(candle, days[2]))], NOW)
        seen[np.datetime64(candle.ts, "us").astype("datetime64[D]")] = bool(market.carried("AAPL"))
    assert [seen[day] for day in days[:4]] == [False, True, False, True]


def replace_prices(candle: Candle, day: np.datetime64) -> Candle:
    """Return a candle as it was traded if there was a split of 2."""
    if np.datetime64(candle.ts, "us") < day:
        return candle
    return candle._replace(**{name: getattr(candle, name) / 2 for name in ("open", "high", "low", "close")})
