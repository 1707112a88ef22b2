"""Stream equals batch on real series, bar by bar: every column, every rule, every method of levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from lake.alerts.alert import Alert
from lake.features.indicator import TOLERANCE
from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.levels.registry import BUILT_IN
from lake.live.columns import Columns
from lake.live.needs import needs_of
from lake.live.rings import Rings, Segments
from lake.live.session import News
from lake.live.watch import Watch
from lake.market.bars import VALUES, Actions, Bars, Floats
from lake.market.candles import Candle
from lake.rules.language import parse_rules, read_rules
from lake.rules.rule import Rule
from lake.steps.alerts import history_alerts
from tests.conftest import CHECKOUT
from tests.live import NOW, assert_same_alerts, confirmed
from tests.market import DAILY, RAW, real_daily, real_minutes, split_adjusted

INTRADAY = {
    "1m/eqker_2019-02": "XNYS",
    "5m/eqker_2019-02": "XNYS",
    "15m/eqker_2019-02": "XNYS",
    "15m_vendor/eqker_2019-01_02": "XNYS",
    "5m/google_AAPL_2016-04_05": "XNYS",
    "15m/google_AAPL_2016-04_05": "XNYS",
    "5m/nse_JUNIORBEES": "XNSE",
    "15m/nse_JUNIORBEES": "XNSE",
}
TINY = 1e-300
"""Where value and scale are 0, such as the volume of a quiet minute, both have to be."""

AT_LEVELS = "".join(
    f"""
{event}_anywhere:
  description: At the levels of every method.
  timeframes: [1d]
  fires: every_bar
  severity: info
  levels: {{event: {event}, methods: [{", ".join(BUILT_IN)}]}}
"""
    for event in ("touch", "bounce", "break", "retest", "role_flip")
)
FLOWS = """
flows:
  description: Sums from the first bar on.
  timeframes: [1d]
  fires: on_change
  severity: info
  precedence: [bearish, bullish]
  bullish: {all: [obv > 0, adl > 0]}
  bearish: {any: [obv < 0, adl < 0]}
"""
ALL = read_rules(CHECKOUT / "conf") | parse_rules(AT_LEVELS + FLOWS)
RULES = tuple(rule for rule in ALL.values() if not rule.asks)
"""Every rule that asks no other timeframe; those that do are compared where candles of several are landed."""


class Series(NamedTuple):
    """Bars of one symbol as traded, and its actions."""

    bars: Bars
    actions: Actions


def intraday(folder: Path, name: str) -> list[Series]:
    """Return the series of a file of candles."""
    found = real_minutes(folder / "intraday" / f"{name}.parquet", INTRADAY[name])
    return [Series(bars, Actions.none()) for bars in found.values()]


def candle(bars: Bars, row: int) -> Candle:
    ts = int(bars.ts[row].astype("datetime64[us]").astype(np.int64))
    values = [float(getattr(bars, name)[row]) for name in VALUES]
    return Candle(bars.timeframe, ts, *values, is_suspect=bool(bars.is_suspect[row]))


def columns_bar_by_bar(histories: Sequence[Bars], start: int) -> list[dict[str, Floats]]:
    """Return every column of histories taken in together, bar by bar, after a start in the middle.

    A series starts `start` bars in, from as many bars as its columns settle on and its sums before.
    """
    timeframe, names = histories[0].timeframe, REGISTRY.readable
    columns = Columns(names, timeframe)
    settles = REGISTRY.settle_bars(names)
    rings = Rings(columns.filled, 0, max(map(len, histories)))
    rings.add(len(histories))
    columns.add(len(histories))
    starts = [min(start, len(bars)) for bars in histories]
    begins = [max(first - settles, 0) for first in starts]
    for number, bars in enumerate(histories if start else ()):
        before = bars[begins[number] : starts[number]]
        known = compute(before, columns.filled)
        whole = compute(bars, ["obv", "adl"])
        for name, values in whole.items():  # the lake stores these
            known[name] = values[begins[number] : starts[number]]
        rings.keep = len(before)  # which a ring of this size has room for
        rings.fill(number, before, known, np.ones(len(before)))
        columns.remember(number, before, known)
    sessions = [bars.session.astype("datetime64[D]").astype(np.int64) for bars in histories]
    for step in range(max(len(bars) - first for bars, first in zip(histories, starts, strict=True))):
        live = [n for n, bars in enumerate(histories) if starts[n] + step < len(bars)]
        rows = [starts[n] + step for n in live]
        days = [int(sessions[n][row]) for n, row in zip(live, rows, strict=True)]
        series = np.array(live)
        candles = [candle(histories[n], row) for n, row in zip(live, rows, strict=True)]
        places = rings.append(series, np.array(days), np.zeros(len(live), dtype=np.int64), candles)
        columns.fill_in(rings, Segments.of(series, places, columns.sees), series, places)
    return [
        {name: rings.floats[name][n, starts[n] - begins[n] : len(bars) - begins[n]] for name in names}
        for n, bars in enumerate(histories)
    ]


def assert_columns_equal(histories: Sequence[Bars], start: int) -> None:
    """Assert that every column equals the kernel's over the whole history, to 1e-9 of its scale.

    Both take the prices as they stand, as if they had been traded so: a stream sees no later split.
    """
    histories = [replace(bars, later_splits=None) for bars in histories]
    for bars, found in zip(histories, columns_bar_by_bar(histories, start), strict=True):
        whole = compute(bars, REGISTRY.readable)
        for name, live in found.items():
            expected = whole[name][min(start, len(bars)) :].astype(float)
            close, volume = bars.close[min(start, len(bars)) :], bars.volume[min(start, len(bars)) :]
            np.testing.assert_array_equal(np.isnan(live), np.isnan(expected), err_msg=name)
            units = {"price": close, "volume": volume, "percent": 100.0}
            scale = units.get(REGISTRY.indicator(name).scale, 1.0)
            worst = np.nanmax(
                np.abs(live - expected) / np.fmax(np.fmax(np.abs(expected), scale), TINY), initial=0.0
            )
            assert worst <= TOLERANCE, (bars.symbol, name, worst)


def alerts_bar_by_bar(rules: Sequence[Rule], series: Series, start: int = 0) -> list[Alert]:
    """Return the alerts of bars that come one by one, with `start` those after it of a watch begun there."""
    bars, timeframe = series.bars, series.bars.timeframe
    watch = Watch(timeframe, rules, 24 * 60)
    number = watch.add(bars.symbol, series.actions)
    if start:
        first = Watch(timeframe, rules, 24 * 60)
        first.add(bars.symbol, series.actions)
        first.restore(0, bars[: start + 1], NOW)  # its last bar begins a session
        carried = first.carried(0)
        settled = max(start - needs_of(rules).bars, 0)
        watch.restore(number, bars[settled : start + 1], NOW, carried)
        start += 1
    closes = bars.closes_at.astype("datetime64[us]").astype(np.int64)
    days = bars.session.astype("datetime64[D]").astype(np.int64)
    found: list[Alert] = []
    for row in range(start, len(bars)):
        news = News(number, candle(bars, row), int(closes[row]), int(days[row]), False)
        found += watch.take([news], NOW)
    return found


def assert_alerts_equal(series: Series, start: int = 0) -> set[str]:
    """Assert that live and batch raise the same alerts from `start` on, and return the rules that did."""
    rules = [replace(rule, timeframes=(series.bars.timeframe,)) for rule in RULES]
    batch = {each.alert_id: each for each in history_alerts(rules, series.bars, series.actions, NOW)}
    if start:
        after = series.bars.ts[start].astype("datetime64[us]").item()
        batch = {key: each for key, each in batch.items() if each.ts.replace(tzinfo=None) > after}
    live = alerts_bar_by_bar(rules, series, start)
    assert_same_alerts(confirmed(live), batch)
    return {each.rule for each in live}


def session_start(bars: Bars, near: int) -> int:
    """Return the place of the first bar of a session, at or before a place."""
    return int(np.searchsorted(bars.session, bars.session[near], side="left"))


def test_every_column_of_daily_bars(shared_data: Path) -> None:
    histories = [split_adjusted(shared_data, symbol)[-900:] for symbol in ("AAPL", "SPY")]
    assert_columns_equal(histories, 0)


def test_every_column_of_candles_started_in_the_middle(shared_data: Path) -> None:
    histories = [each.bars for each in intraday(shared_data, "5m/google_AAPL_2016-04_05")]
    assert_columns_equal(histories, 1_000)


# Times of before 1970 are negative, and mean no less.
@pytest.mark.parametrize(("symbol", "split", "before"), [("AAPL", -1, 600), ("BA", 0, 250)])
def test_every_rule_and_method_on_daily_bars_with_a_split(
    shared_data: Path, symbol: str, split: int, before: int
) -> None:
    bars, own = real_daily(shared_data, symbol)
    day = int(np.searchsorted(bars.session, own.split_dates[split]))
    assert len(assert_alerts_equal(Series(bars[day - before : day + 150], own))) > 15


def test_every_rule_and_method_on_candles_started_in_the_middle(shared_data: Path) -> None:
    [series] = intraday(shared_data, "5m/google_AAPL_2016-04_05")
    assert_alerts_equal(series, session_start(series.bars, 1_100))


@pytest.mark.slow
@pytest.mark.parametrize("start", [0, 6_000])
def test_every_column_of_all_daily_series(shared_data: Path, start: int) -> None:
    assert_columns_equal([split_adjusted(shared_data, symbol) for symbol in DAILY], start)


@pytest.mark.slow
@pytest.mark.parametrize("name", INTRADAY)
def test_every_column_of_all_candles(shared_data: Path, name: str) -> None:
    histories = [each.bars for each in intraday(shared_data, name)]
    for start in (0, len(histories[0]) // 2):
        assert_columns_equal(histories, start)


@pytest.mark.slow
@pytest.mark.parametrize("symbol", DAILY)
def test_every_rule_and_method_of_all_daily_series(shared_data: Path, symbol: str) -> None:
    bars, own = real_daily(shared_data, symbol)
    series = Series(bars, own if symbol in RAW else Actions.none())
    for start in (0, len(bars) * 3 // 4):
        assert_alerts_equal(series, start)


@pytest.mark.slow
@pytest.mark.parametrize("name", INTRADAY)
def test_every_rule_and_method_of_all_candles(shared_data: Path, name: str) -> None:
    for series in intraday(shared_data, name):
        for start in (0, session_start(series.bars, len(series.bars) * 2 // 3)):
            assert_alerts_equal(series, start)
