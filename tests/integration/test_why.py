"""`lake why` over a real small lake: every alert comes out again, and what changed since is named."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from lake.alerts.keep import keep
from lake.alerts.keep_rules import keep_rules
from lake.config import Settings, load_settings
from lake.errors import BadInput
from lake.live.restore import restored_market
from lake.rules.language import parse_rules, read_rules
from lake.steps.alerts import raise_alerts
from lake.steps.derive import derive_longer_bars
from lake.steps.ingest import default_request, ingest
from lake.steps.why import Explainer, Why
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.thresholds import read_thresholds
from tests.builders import bar_rows
from tests.lakes import run_lake
from tests.live import land, list_symbols, messages, real_feed

EXCHANGE = "XNYS"
SOURCE = "eqker_2019-02"


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    return connect(Lake.open(settings)).execute(sql).fetchall()


@pytest.fixture(scope="module")
def lake_of_all(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Settings:
    """Return a lake of daily, weekly and 5-day bars, and of minutes that went through the live market."""
    settings = load_settings(lake_root=str(tmp_path_factory.mktemp("why") / "lake"))
    ingest(settings, default_request(settings, source="sample", symbols=["IBM"]))
    derive_longer_bars(settings, timeframes=["1wk", "5d"])
    raise_alerts(settings)
    _replayed(settings, shared_data)
    return settings


def _replayed(settings: Settings, shared_data: Path) -> None:
    feed = real_feed(shared_data / "intraday" / "1m" / f"{SOURCE}.parquet", EXCHANGE)
    exchanges = {symbol: EXCHANGE for symbol, _ in feed}
    lake = list_symbols(settings, exchanges)
    rules, limits = read_rules(settings.conf_folder), read_thresholds(settings.conf_folder)
    keep_rules(lake, rules.values(), now_utc())
    market = restored_market(connect(lake), rules, limits, now_utc(), sorted(exchanges))
    for message in messages(feed, max(len(feed) // 12, 1)):
        taken = market.take(message, now_utc())
        keep(lake, taken.alerts, now_utc())  # before their bars, as the worker does
        land(lake, taken, exchanges)


def explained(settings: Settings, step: int) -> list[Why]:
    """Return why every step-th alert was raised, at least one of every rule and timeframe."""
    ids = rows(settings, "SELECT alert_id, rule, timeframe FROM alerts ORDER BY rule, timeframe, alert_id")
    firsts = {(rule, timeframe): key for key, rule, timeframe in reversed(ids)}
    chosen = dict.fromkeys([*firsts.values(), *(key for key, _, _ in ids[::step])])
    explainer = Explainer(settings)
    return [explainer.why(key) for key in chosen]


def assert_all_come_out_again(found: list[Why]) -> None:
    failed = [(each.stored, each.then.verdict) for each in found if not each.is_rederived]
    assert failed == []
    assert all(each.is_unchanged and not each.changes for each in found)
    assert all(each.then.findings and each.bars for each in found)


@pytest.fixture(scope="module")
def found(lake_of_all: Settings) -> list[Why]:
    return explained(lake_of_all, 997)


def test_alerts_of_every_rule_timeframe_and_origin_come_out_again(found: list[Why]) -> None:
    assert_all_come_out_again(found)
    assert {each.stored.timeframe for each in found} == {"1d", "1wk", "5d", "5m", "15m", "30m"}
    assert {each.stored.origin for each in found} == {"batch", "stream"}
    seen = {each.stored.rule for each in found}
    assert {"velocity", "momentum", "breakout", "level_touch", "level_break", "trend_cross"} <= seen


@pytest.mark.slow
def test_every_alert_comes_out_again(lake_of_all: Settings) -> None:
    found = explained(lake_of_all, 1)
    assert len(found) == rows(lake_of_all, "SELECT count(*) FROM alerts")[0][0] > 3_000
    assert_all_come_out_again(found)


def test_the_case_that_holds_is_the_alerts_own(found: list[Why]) -> None:
    for each in found:
        if each.stored.level_id is None:
            held = [finding.text for finding in each.then.findings if finding.depth == 0 and finding.holds]
            assert held[0] == each.stored.variant


def test_a_question_to_another_timeframe_is_answered_with_its_bar(lake_of_all: Settings) -> None:
    [(key,)] = rows(lake_of_all, "SELECT alert_id FROM alerts WHERE rule = 'trend_cross' ORDER BY ts LIMIT 1")
    found = Explainer(lake_of_all).why(key)
    asked = [each for each in found.then.findings if each.text.startswith("on 30m, bar of ")]
    assert len(asked) >= 2 and asked[0].holds
    last = [name for name, _ in found.bars if name.startswith("30m")][-1]
    assert last.removeprefix("30m bar of ").replace(" ", "T") in asked[0].text


def test_what_states_mean_is_said_by_their_names(lake_of_all: Settings) -> None:
    [(key,)] = rows(lake_of_all, "SELECT alert_id FROM alerts WHERE rule = 'momentum' ORDER BY ts LIMIT 1")
    texts = [each.text for each in Explainer(lake_of_all).why(key).then.findings]
    assert any("count(velocity.loss, 15)[-1]" in text for text in texts)


PACE = """
pace:
  description: Its first state means what the text of another condition begins with.
  timeframes: [1d]
  fires: every_bar
  severity: info
  states:
    high: {side: bullish, when: close > 1}
both:
  description: Names that state, and counts it.
  timeframes: [1d]
  fires: every_bar
  severity: info
  bullish:
    all:
      - pace.high
      - close > 100
      - close > 1 * ema_13
      - count(pace.high, 3) > 2
      - count(close > 100, 3) > 2
"""


def test_no_part_of_a_condition_is_taken_for_a_state(small: Settings, tmp_path: Path) -> None:
    settings = with_rules(small, tmp_path / "home", PACE)
    raise_alerts(settings, timeframes=["1d"])
    [(key,)] = rows(settings, "SELECT alert_id FROM alerts WHERE rule = 'both' ORDER BY ts LIMIT 1")
    found = Explainer(settings).why(key)
    assert found.is_rederived
    assert [each.text for each in found.then.findings] == [
        "bullish",
        "all of",
        "pace.high",
        "close > 100",
        "close > (1 * ema_13)",
        "count(pace.high, 3) > 2",
        "count(close > 100, 3) > 2",
        "the bar may be judged",
    ]


def test_alerts_of_rules_that_are_written_as_json_come_out_again(small: Settings, tmp_path: Path) -> None:
    made = [
        {"description": "d", "timeframes": ["1d"], "fires": "on_change", "severity": "info", "bullish": text}
        for text in ("close > ema_13", "close > ema_8 for 3 bars")
    ]
    text = json.dumps({"first": made[0], "second": made[1]}, indent=1)
    settings = with_rules(small, tmp_path / "home", text)
    raise_alerts(settings, timeframes=["1d"])
    for name in ("first", "second"):
        [(key,)] = rows(settings, f"SELECT alert_id FROM alerts WHERE rule = '{name}' ORDER BY ts LIMIT 1")
        assert Explainer(settings).why(key).is_rederived


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return a lake of one symbol's daily bars that no test changes."""
    settings = load_settings(lake_root=str(tmp_path_factory.mktemp("daily") / "lake"))
    ingest(settings, default_request(settings, source="sample", symbols=["IBM"], start=date(2000, 1, 3)))
    raise_alerts(settings, timeframes=["1d"])
    return settings


@pytest.fixture
def small(daily: Settings, tmp_path: Path) -> Settings:
    """Return a copy of it."""
    copytree(daily.lake_root, tmp_path / "lake")
    return load_settings(lake_root=str(tmp_path / "lake"))


def with_rules(settings: Settings, home: Path, text: str) -> Settings:
    """Return settings with other rules over the same lake."""
    copytree(settings.conf_folder, home / "conf")
    (home / "conf" / "rules.yaml").write_text(text)
    (home / "sql").symlink_to(settings.sql_folder)
    return load_settings(lake_home=home, lake_root=str(settings.lake_root))


def restate(settings: Settings, day: str, **values: float) -> None:
    names = ("open", "high", "low", "close", "volume")
    [known] = rows(settings, f"SELECT {', '.join(names)}, closes_at FROM bars WHERE ts = '{day}'")
    changed = dict(zip((*names, "closes_at"), known, strict=True)) | values
    row = bar_rows({"symbol": "IBM", "day": day, "source": "files", **changed})
    lake = Lake.open(settings)
    with lake.writing("bars"):
        lake.upsert("bars", row, lake.stamp("bars", datetime.now(UTC)))


def test_a_restated_bar_is_reported_with_what_it_was_and_is(small: Settings) -> None:
    [(key, day, close)] = rows(
        small,
        "SELECT alert_id, strftime(ts, '%Y-%m-%d'), price FROM alerts WHERE rule = 'breakout' "
        "AND variant = 'above_20' AND ts > '2010-01-01' ORDER BY ts LIMIT 1",
    )
    restate(small, day, close=close * 0.93, low=close * 0.92)
    found = Explainer(small).why(key)
    assert found.is_rederived and not found.is_unchanged
    [change] = found.changes
    assert change.about == f"1d bar of {day}"
    assert change.then is not None and change.now is not None
    assert (change.then["close"], change.now["close"]) == pytest.approx((close, close * 0.93))
    assert f"close {close:.10g} -> {close * 0.93:.10g}" in str(change)
    assert found.now.alert is None and "does not fire" in found.now.verdict


def test_an_alert_that_was_taken_back_is_explained_as_it_stood(small: Settings) -> None:
    [(key, day, close)] = rows(
        small,
        "SELECT alert_id, strftime(ts, '%Y-%m-%d'), price FROM alerts WHERE rule = 'breakout' "
        "AND variant = 'above_20' AND ts > '2011-01-01' ORDER BY ts LIMIT 1",
    )
    restate(small, day, close=close * 0.93, low=close * 0.92)
    raise_alerts(small, timeframes=["1d"])
    found = Explainer(small).why(key)
    assert (found.status, found.revision, found.stored.status) == ("invalidated", 2, "confirmed")
    assert found.is_rederived and found.now.alert is None
    assert [each.about for each in found.changes] == [f"1d bar of {day}"]


def test_a_bar_that_came_later_is_reported_as_added(small: Settings) -> None:
    """Weeks before the alert: the averages are others, the alert's own bar is what it was."""
    [(key,)] = rows(
        small, "SELECT alert_id FROM alerts WHERE rule = 'golden_cross' AND ts > '2005-01-01' LIMIT 1"
    )
    restate(small, "2001-03-05", close=90.0)
    found = Explainer(small).why(key)
    assert [each.about for each in found.changes] == ["1d bar of 2001-03-05"]
    assert found.is_rederived and found.now.alert is not None


def test_a_rule_that_has_changed_is_explained_as_it_was(daily: Settings, tmp_path: Path) -> None:
    [(key, version)] = rows(
        daily, "SELECT alert_id, rule_version FROM alerts WHERE rule = 'momentum' LIMIT 1"
    )
    text = (daily.conf_folder / "rules.yaml").read_text()
    text = text.replace("close < ema_13 within 4 bars", "close < ema_13 within 5 bars")
    changed = with_rules(daily, tmp_path / "home", text.replace("golden_cross:", "gold_cross:"))
    found = Explainer(changed).why(key)
    assert found.is_rederived and not found.is_unchanged
    assert found.rule_change is not None
    assert f"rule momentum changed: {version}: on_change" in found.rule_change
    assert "within 4 bars" in found.rule_change and "within 5 bars" in found.rule_change
    [(gone,)] = rows(daily, "SELECT alert_id FROM alerts WHERE rule = 'golden_cross' LIMIT 1")
    again = Explainer(changed).why(gone)
    assert again.is_rederived
    assert again.rule_change is not None and "there is no such rule in conf/rules.yaml" in again.rule_change


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0" * 40, "expected an alert of this lake, found none whose id begins with"),
        ("ab", "expected an alert's id or at least its first 4 characters of 0-9 and a-f, found 'ab'"),
        ("x'; drop", 'found "x\'; drop"'),
        ("", "found ''"),
    ],
)
def test_an_unknown_id_is_one_clear_sentence(daily: Settings, text: str, expected: str) -> None:
    with pytest.raises(BadInput) as refused:
        Explainer(daily).why(text)
    assert expected in str(refused.value) and "lists them" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_first_characters_of_an_id_are_enough_unless_several_begin_so(daily: Settings) -> None:
    [(key, alert)] = rows(
        daily,
        "SELECT left(alert_id, 4), min(alert_id) FROM alerts GROUP BY 1 HAVING count(*) > 1 LIMIT 1",
    )
    with pytest.raises(BadInput, match=f"several whose ids begin with '{key}': .*give more characters"):
        Explainer(daily).why(key)
    assert Explainer(daily).why(alert[:16].upper()).stored.alert_id == alert


def test_the_command_prints_it_as_text_and_as_json(daily: Settings) -> None:
    [(key,)] = rows(daily, "SELECT alert_id FROM alerts WHERE rule = 'ema_touch' ORDER BY ts DESC LIMIT 1")
    root = Path(daily.lake_root)
    done = run_lake(root, "why", key[:20])
    assert done.returncode == 0, done.stderr
    for line in (
        "it fires, with the same values.",
        "      ema_13 > ema_169: yes (ema_13 = ",
        "The bars that it stood on, as traded:",
        "Changed since: nothing.",
    ):
        assert line in done.stdout
    done = run_lake(root, "why", key, "--format", "json")
    told = json.loads(done.stdout)
    assert told["alert"]["alert_id"] == key and told["is_rederived"] and told["is_unchanged"]
    assert told["then"]["values"] == pytest.approx(told["alert"]["values"])
    assert told["then"]["table"][0]["depth"] == 0 and told["bars"][-1]["close"] == told["alert"]["price"]
    refused = run_lake(root, "why", key, "--format", "xml")
    assert refused.returncode == 1
    assert refused.stderr == "lake: expected --format, one of text, json, found 'xml'\n"


def test_a_rules_text_can_be_read_by_itself_and_has_its_version() -> None:
    from lake.rules.identity import rule_version

    rules = read_rules(load_settings().conf_folder)
    for rule in rules.values():
        again = parse_rules(rule.text)[rule.name]
        assert rule_version(again) == rule_version(rule)
        assert replace(again, text="") == replace(rule, text="")
    assert Counter(len(parse_rules(rule.text)) for rule in rules.values()) == {1: len(rules) - 1, 2: 1}


def test_versions_of_rules_are_kept_once(settings: Settings) -> None:
    lake, rules = Lake.open(settings), read_rules(settings.conf_folder)
    now = datetime.now(UTC)
    assert keep_rules(lake, rules.values(), now).inserted == len(rules)
    assert keep_rules(lake, rules.values(), now + timedelta(days=1)).is_empty
    [(count,)] = rows(settings, "SELECT count(*) FROM rule_versions")
    assert count == len(rules)


FORMING = """
above:
  description: The close goes above its average, at a level, or falls.
  timeframes: [5m, 15m]
  fires: on_change
  severity: info
  provisional: true
  precedence: [bullish, bearish]
  bullish: close > ema_8
  bearish: {all: [close < ema_8, volume > 0]}
"""


@pytest.fixture(scope="module")
def lake_of_forming(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Settings:
    """Return a lake whose stream told of forming bars and stopped in the middle of one."""
    home = tmp_path_factory.mktemp("forming")
    for name in ("conf", "sql"):
        copytree(load_settings().lake_home / name, home / name)
    (home / "conf/rules.yaml").write_text(FORMING)
    settings = load_settings(lake_home=str(home), lake_root=str(home / "lake"))
    feed = real_feed(shared_data / "intraday" / "1m" / f"{SOURCE}.parquet", EXCHANGE)[:2_000]
    exchanges = {symbol: EXCHANGE for symbol, _ in feed}
    lake = list_symbols(settings, exchanges)
    rules = read_rules(settings.conf_folder)
    keep_rules(lake, rules.values(), now_utc())
    limits = read_thresholds(settings.conf_folder)
    market = restored_market(connect(lake), rules, limits, now_utc(), sorted(exchanges))
    for message in messages(feed, 47):
        taken = market.take(message, now_utc())
        keep(lake, taken.alerts, now_utc())
        land(lake, taken, exchanges)
    return settings


def test_alerts_of_forming_bars_come_out_again_waiting_confirmed_and_taken_back(
    lake_of_forming: Settings,
) -> None:
    found = explained(lake_of_forming, 1)
    ever = {
        key
        for (key,) in rows(lake_of_forming, "SELECT alert_id FROM lake.alerts WHERE status = 'provisional'")
    }
    told_early = [each for each in found if each.stored.alert_id in ever]
    assert {each.status for each in told_early} == {"provisional", "confirmed", "invalidated"}
    failed = [(each.status, each.stored, each.then.verdict) for each in found if not each.is_rederived]
    assert failed == []
    taken_back = [each for each in found if each.status == "invalidated" and each.stored.alert_id in ever]
    # Its bar closed otherwise than it stood, and that is what the explanation names.
    assert all(each.changes and not each.is_unchanged for each in taken_back)
    assert all(each.is_unchanged for each in told_early if each.status == "provisional")
