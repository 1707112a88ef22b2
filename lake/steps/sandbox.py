"""The sandbox step: trade a strategy over the lake's history and enter the run in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from lake.config import Settings
from lake.errors import BadInput
from lake.market.bars import Actions, Bars
from lake.market.timeframes import parse_timeframe
from lake.membership import Membership, members, membership_json
from lake.rules.elsewhere import asks_of
from lake.rules.identity import canonical_json, rule_version
from lake.rules.language import Rule, read_rules
from lake.sandbox.identity import combined, definition_of, digest_of, run_id_of
from lake.sandbox.outcome import Costs
from lake.sandbox.signals import first_traded, known_until, signals_of
from lake.sandbox.strategies import Strategy, find_strategy, read_strategies
from lake.steps.alerts import others_of
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.store.reads import CHUNK, read_history
from lake.store.tables import TABLES
from lake.universe import read_universe

PER_STOCK = "per-stock"
_RESULTS = ("sandbox_trades", "sandbox_equity", "sandbox_metrics")


def run_sandbox(
    settings: Settings,
    strategy: str,
    symbols: Sequence[str] | None = None,
    timeframe: str | None = None,
    start: date | None = None,
    end: date | None = None,
    account: str = PER_STOCK,
    commission_bps: float = 5.0,
    slippage_bps: float = 5.0,
    cash: float = 10_000.0,
    as_of: datetime | None = None,
) -> dict[str, Any]:
    """Trade one account a symbol and return the run's id and totals.

    Without `symbols` these are all of the lake, and one whose membership conf/universe.yaml dates is
    bought only while it belongs to the universe; a symbol that is named is traded throughout.

    Columns are computed over all history before `start`; `start` and `end`, both included, limit
    the bars that are traded. A run whose inputs are in the ledger already writes nothing. Results
    are written first and the ledger's row last, and views show entered runs only, so a killed run
    leaves nothing to see.

    Raises:
        BadInput: an unknown strategy, timeframe or account, reversed dates, costs that make no
            sense, or no bars to trade.
        UnknownSymbol: `symbols` names one that the lake does not have.
        BadConfiguration: conf/rules.yaml or conf/strategies.yaml cannot be used.
    """
    costs = Costs(cash, commission_bps, slippage_bps)
    membership = {} if symbols else read_universe(settings.conf_folder).membership()
    plan = _plan(settings, strategy, timeframe, start, end, account, costs, membership)
    lake = Lake.open(settings)
    con = connect(lake, as_of)
    seen = _survey(plan, con, symbols)
    run_id = run_id_of(
        definition=plan.definition,
        timeframe=plan.timeframe,
        account=account,
        symbols=seen.symbols,
        start=start,
        end=end,
        costs=costs,
        as_of=as_of,
        data_digest=seen.digest,
    )
    with lake.writing(f"run-{run_id[:16]}"):  # the same run twice at once: the second finds it entered
        is_new = not _is_entered(lake, run_id)
        if is_new:
            _write_results(lake, plan, con, seen.symbols, run_id)
            lake.replace("sandbox_runs", _ledger_row(plan, seen, run_id, as_of), {"run_id": [run_id]})
    return {"run_id": run_id, "strategy": strategy, "is_new": is_new, **_totals(lake, run_id)}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be traded, checked."""

    strategy: Strategy
    rules: Mapping[str, Rule]
    definition: str
    timeframe: str
    start: date | None
    end: date | None
    account: str
    costs: Costs
    membership: Membership

    def histories(
        self, con: duckdb.DuckDBPyConnection, symbols: Sequence[str] | None
    ) -> Iterator[tuple[Bars, Actions, int]]:
        """Yield complete bars up to the end, actions and the first row to trade, where there is one.

        Symbols that belong to the universe on none of the bars to trade are left out.
        """
        for all_bars, actions in read_history(con, self.timeframe, symbols):
            bars = known_until(all_bars, self.end)
            first = first_traded(bars, self.start)
            if first < len(bars) and members(bars.symbol, bars.session[first:], self.membership).any():
                yield bars, actions.up_to(bars.session[-1]), first


@dataclass(frozen=True, slots=True)
class _Survey:
    """What the lake has for a plan."""

    symbols: list[str]
    first_ts: Any
    last_ts: Any
    digest: str


def _plan(
    settings: Settings,
    name: str,
    timeframe: str | None,
    start: date | None,
    end: date | None,
    account: str,
    costs: Costs,
    membership: Membership,
) -> _Plan:
    if account != PER_STOCK:
        raise BadInput(
            f"expected account {PER_STOCK}, found {account!r}: one account shared by all symbols is not "
            "part of this version"
        )
    if start and end and start > end:
        raise BadInput(f"expected dates in order, found --from {start} after --to {end}; swap them")
    rules = read_rules(settings.conf_folder)
    strategy = find_strategy(read_strategies(settings.conf_folder / "strategies.yaml", rules), name)
    chosen = parse_timeframe(timeframe or strategy.timeframe)
    for rule in (rules[rule_name] for rule_name in strategy.rules):
        if chosen not in rule.timeframes:
            raise BadInput(
                f"expected a timeframe of rule {rule.name}, one of {', '.join(rule.timeframes)}, found "
                f"{chosen!r}; choose one of them or extend the rule in conf/rules.yaml"
            )
    definition = definition_of(strategy, {name: rule_version(rules[name]) for name in strategy.rules})
    return _Plan(strategy, rules, definition, chosen, start, end, account, costs, membership)


def _survey(plan: _Plan, con: duckdb.DuckDBPyConnection, symbols: Sequence[str] | None) -> _Survey:
    digests: dict[str, str] = {}
    ends = []
    for bars, actions, first in plan.histories(con, symbols):
        seen = (digest_of(each, actions) for each in (bars, *_others(con, plan, bars.symbol)))
        digests[bars.symbol] = "".join(seen)
        if spans := plan.membership.get(bars.symbol):
            digests[bars.symbol] += canonical_json(membership_json({bars.symbol: spans}))
        ends.append((bars.ts[first], bars.ts[-1]))
    if not digests:
        raise BadInput(
            f"expected complete {plan.timeframe} bars to trade, found none"
            f"{f' from {plan.start}' if plan.start else ''}{f' to {plan.end}' if plan.end else ''}; "
            "run `lake ingest` first, or choose other dates or symbols"
        )
    firsts, lasts = zip(*ends, strict=True)
    return _Survey(list(digests), min(firsts), max(lasts), combined(digests.items()))


def _others(con: duckdb.DuckDBPyConnection, plan: _Plan, symbol: str) -> list[Bars]:
    """Return a symbol's bars of the timeframes that the strategy's rules ask of besides their own."""
    rules = [plan.rules[name] for name in plan.strategy.rules]
    return others_of(con, rules, [symbol]).get(symbol, []) if asks_of(rules) else []


def _write_results(
    lake: Lake, plan: _Plan, con: duckdb.DuckDBPyConnection, symbols: list[str], run_id: str
) -> None:
    results = _results(plan, plan.histories(con, symbols), partial(_others, con, plan), run_id)
    while chunk := list(islice(results, CHUNK)):
        names = [symbol for symbol, _ in chunk]
        for number, table in enumerate(_RESULTS):
            rows = pa.concat_tables([tables[number] for _, tables in chunk])
            lake.replace(table, rows, {"run_id": [run_id], "symbol": names})


def _results(
    plan: _Plan,
    histories: Iterator[tuple[Bars, Actions, int]],
    others: Callable[[str], Sequence[Bars]],
    run_id: str,
) -> Iterator[tuple[str, tuple[pa.Table, ...]]]:
    """Yield each symbol with its rows of trades, equity and metrics."""
    from lake.sandbox.engine import simulate
    from lake.sandbox.metrics import measure
    from lake.sandbox.rows import equity_rows, metric_rows, trade_rows

    for bars, actions, first in histories:
        enter, leave = signals_of(plan.strategy, plan.rules, bars, actions, others(bars.symbol))
        enter = enter & members(bars.symbol, bars.session, plan.membership)
        outcome = simulate(bars[first:], actions, enter[first:], leave[first:], plan.costs)
        metrics = metric_rows(run_id, outcome, measure(outcome))
        yield bars.symbol, (trade_rows(run_id, outcome), equity_rows(run_id, outcome), metrics)


def _ledger_row(plan: _Plan, seen: _Survey, run_id: str, as_of: datetime | None) -> pa.Table:
    def utc(moment: Any) -> pa.Array:
        return pa.array([moment]).cast(pa.timestamp("us", tz="UTC"))

    values: dict[str, Any] = {
        "run_id": [run_id],
        "strategy": [plan.strategy.name],
        "timeframe": [plan.timeframe],
        "account": [plan.account],
        "first_ts": utc(seen.first_ts),
        "last_ts": utc(seen.last_ts),
        "cash": [plan.costs.cash],
        "commission_bps": [plan.costs.commission_bps],
        "slippage_bps": [plan.costs.slippage_bps],
        "as_of": [as_of],
        "symbols": [",".join(sorted(seen.symbols))],
        "definition": [plan.definition],
        "data_digest": [seen.digest],
        "run_at": [now_utc()],
    }
    schema = TABLES["sandbox_runs"].schema
    return pa.table([pa.array(values[field.name], type=field.type) for field in schema], schema=schema)


def _is_entered(lake: Lake, run_id: str) -> bool:
    found = lake.table("sandbox_runs").to_pyarrow_table(columns=["run_id"], filters=[("run_id", "=", run_id)])
    return bool(found.num_rows)


def _totals(lake: Lake, run_id: str) -> dict[str, Any]:
    """Return the sums of a run's metrics over its symbols; wins and losses count closed trades."""
    names = ("trades", "open_trades", "wins", "losses", "profit")
    filters = [("run_id", "=", run_id)]
    rows = lake.table("sandbox_metrics").to_pyarrow_table(columns=["symbol", *names], filters=filters)
    return {"symbols": rows.num_rows, **{name: pc.sum(rows[name]).as_py() for name in names}}
