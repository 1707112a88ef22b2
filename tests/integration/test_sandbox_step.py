"""The sandbox over a lake of real sample bars."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lake.config import CHECKOUT, Settings, load_settings
from lake.errors import BadConfiguration, BadInput, UnknownSymbol
from lake.rules.language import read_rules
from lake.sandbox.engine import simulate
from lake.sandbox.outcome import Costs
from lake.sandbox.signals import signals_of
from lake.sandbox.strategies import read_strategies
from lake.steps import sandbox as step
from lake.steps.ingest import default_request, ingest
from lake.steps.sandbox import run_sandbox
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.reads import read_history
from tests.lakes import content, table_versions

SYMBOLS = ["AAPL", "FB", "IBM"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a lake with sample bars, which tests of this module only add runs to."""
    settings = load_settings(lake_root=str(tmp_path_factory.mktemp("sandbox") / "lake"))
    ingest(settings, default_request(settings, source="sample", symbols=SYMBOLS))
    return settings


@pytest.fixture
def rows(sample: Settings) -> Iterator[object]:
    """Return a function that answers SQL over the sample lake."""

    def ask(sql: str) -> list[tuple[object, ...]]:
        return connect(Lake.open(sample)).execute(sql).fetchall()

    yield ask


def test_a_run_is_entered_with_its_trades_equity_and_metrics(sample: Settings, rows) -> None:  # type: ignore[no-untyped-def]
    done = run_sandbox(sample, "dual_channel")
    run = f"run_id = '{done['run_id']}'"
    assert (done["symbols"], done["is_new"]) == (3, True)
    assert rows(f"SELECT strategy, timeframe, account, cash, symbols FROM sandbox_runs WHERE {run}") == [
        ("dual_channel", "1d", "per-stock", 10_000.0, "AAPL,FB,IBM")
    ]
    bars = rows("SELECT symbol, count(*) FROM bars WHERE timeframe = '1d' GROUP BY 1 ORDER BY 1")
    assert rows(f"SELECT symbol, count(*) FROM sandbox_equity WHERE {run} GROUP BY 1 ORDER BY 1") == bars
    counted = f"SELECT symbol, count(*) FILTER (NOT is_open), count(*) FILTER (is_open), \
        count(*) FILTER (NOT is_open AND profit > 0) FROM sandbox_trades WHERE {run} GROUP BY 1 ORDER BY 1"
    measured = f"SELECT symbol, trades, open_trades, wins FROM sandbox_metrics WHERE {run} ORDER BY 1"
    assert rows(counted) == rows(measured)
    gaps = f"""SELECT abs(m.profit - sum(t.profit) - sum(t.dividends)) FROM sandbox_metrics m
        JOIN sandbox_trades t USING (run_id, symbol) WHERE {run} GROUP BY m.symbol, m.profit"""
    assert max(gap for (gap,) in rows(gaps)) < 1e-6
    assert done["trades"] > 20


def test_every_trade_fills_at_the_next_traded_open(sample: Settings, rows) -> None:  # type: ignore[no-untyped-def]
    done = run_sandbox(sample, "dual_channel", slippage_bps=0)
    wrong = rows(f"""
        WITH b AS (SELECT symbol, ts, open, lag(ts) OVER w AS ts_before,
                          lag(closes_at) OVER w AS closed_before
                   FROM bars WHERE timeframe = '1d' WINDOW w AS (PARTITION BY symbol ORDER BY ts))
        SELECT t.* FROM sandbox_trades t JOIN b ON b.symbol = t.symbol AND b.ts = t.entry_ts
        WHERE run_id = '{done["run_id"]}'
          AND (t.entry_price <> b.open OR t.signal_ts <> b.ts_before OR t.entry_ts < b.closed_before)""")
    assert wrong == []


def test_a_repeat_adds_no_trial_and_no_table_version(sample: Settings) -> None:
    first = run_sandbox(sample, "dual_channel", SYMBOLS)
    versions, before = table_versions(sample), content(sample)
    again = run_sandbox(sample, "dual_channel", tuple(reversed(SYMBOLS)))
    assert again == {**first, "is_new": False}
    assert (table_versions(sample), content(sample)) == (versions, before)


def test_a_run_that_was_killed_before_its_ledger_row_shows_nothing(
    sample: Settings,
    rows,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(Exception):
        pass

    def kill(*_: object) -> pa.Table:
        raise Killed

    views = ("sandbox_runs", "sandbox_trades", "sandbox_equity", "sandbox_metrics")
    before = [rows(f"SELECT count(*) FROM {view}") for view in views]
    with monkeypatch.context() as patch:
        patch.setattr(step, "_ledger_row", kill)
        with pytest.raises(Killed):
            run_sandbox(sample, "dual_channel", cash=777)
    assert [rows(f"SELECT count(*) FROM {view}") for view in views] == before
    done = run_sandbox(sample, "dual_channel", cash=777)
    run = f"run_id = '{done['run_id']}'"
    assert rows(f"SELECT count(*) FROM sandbox_metrics WHERE {run}") == [(3,)]
    assert rows(f"SELECT count(*) - count(DISTINCT (symbol, ts)) FROM sandbox_equity WHERE {run}") == [(0,)]


def test_a_start_limits_trading_but_not_what_columns_see(sample: Settings, rows) -> None:  # type: ignore[no-untyped-def]
    """Trading from 2005 on, the first purchase comes long before 2005 itself has the 169 bars it needs."""
    done = run_sandbox(sample, "dual_channel", ["AAPL"], start=date(2005, 1, 1), end=date(2005, 12, 31))
    run = f"run_id = '{done['run_id']}'"
    [(first, last)] = rows(f"SELECT min(ts), max(ts) FROM sandbox_equity WHERE {run}")
    assert (first.date(), last.date()) == (date(2005, 1, 3), date(2005, 12, 30))
    [(entry,)] = rows(f"SELECT min(entry_ts) FROM sandbox_trades WHERE {run}")
    assert entry.date() < date(2005, 3, 1)
    rules = read_rules(CHECKOUT / "conf")
    strategy = read_strategies(CHECKOUT / "conf" / "strategies.yaml", rules)["dual_channel"]
    [(bars, actions)] = read_history(connect(Lake.open(sample)), "1d", ["AAPL"])
    enter, leave = signals_of(strategy, rules, bars, actions)
    year = (bars.session >= np.datetime64("2005-01-01")) & (bars.session <= np.datetime64("2005-12-31"))
    expected = simulate(bars[year], actions, enter[year], leave[year], Costs())
    [(final,)] = rows(f"SELECT final_equity FROM sandbox_metrics WHERE {run}")
    assert final == pytest.approx(expected.path.last, rel=1e-12)


def test_bars_after_the_end_do_not_make_another_run(sample: Settings, tmp_path: Path) -> None:
    shorter = load_settings(lake_root=str(tmp_path / "lake"))
    request = default_request(shorter, source="sample", symbols=["IBM"], end=date(2004, 6, 30))
    ingest(shorter, request)
    window = {"symbols": ["IBM"], "end": date(2004, 6, 30)}
    ours = run_sandbox(sample, "dual_channel", **window)
    theirs = run_sandbox(shorter, "dual_channel", **window)
    assert ours["run_id"] == theirs["run_id"]
    assert ours["profit"] == theirs["profit"]


def test_as_of_is_part_of_a_runs_identity(sample: Settings) -> None:
    now = run_sandbox(sample, "dual_channel", ["IBM"])
    then = run_sandbox(sample, "dual_channel", ["IBM"], as_of=datetime(2005, 1, 1, tzinfo=UTC))
    assert now["run_id"] != then["run_id"]
    assert then["trades"] < now["trades"]


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"strategy": "nope"}, BadInput, "expected a strategy of conf/strategies.yaml, one of dual_channel"),
        ({"symbols": ["ZZZZ"]}, UnknownSymbol, "found ZZZZ"),
        ({"start": date(2010, 1, 2), "end": date(2010, 1, 1)}, BadInput, "expected dates in order"),
        ({"start": date(2050, 1, 1)}, BadInput, "found none from 2050-01-01"),
        ({"account": "shared"}, BadInput, "expected account per-stock, found 'shared'"),
        ({"timeframe": "1y"}, BadInput, "expected a timeframe"),
        ({"timeframe": "5m"}, BadInput, "expected a timeframe of rule dual_channel"),
        ({"cash": 0.0}, BadInput, "expected cash above 0"),
        ({"commission_bps": -1.0}, BadInput, "expected commission_bps"),
    ],
)
def test_a_request_that_cannot_be_honoured_is_refused_and_writes_nothing(
    sample: Settings, options: dict[str, object], error: type[Exception], sentence: str
) -> None:
    versions = table_versions(sample)
    with pytest.raises(error, match=sentence):
        run_sandbox(sample, **{"strategy": "dual_channel", **options})  # type: ignore[arg-type]
    assert table_versions(sample) == versions


def test_a_lake_without_strategies_says_so(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    for name in ("universe.yaml", "rules.yaml"):
        (tmp_path / "conf" / name).write_text((CHECKOUT / "conf" / name).read_text())
    with pytest.raises(BadConfiguration, match=r"strategies.yaml: expected a readable"):
        run_sandbox(load_settings(lake_home=tmp_path), "dual_channel")
