"""Commands that change the lake, in the order of the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.cli import training
from lake.cli.options import AsOf, End, Start, Symbols, date_of, names_of, symbols_of
from lake.cli.output import print_counts, print_rows
from lake.config import load_settings
from lake.errors import BadInput

_RESULT = """
SELECT symbol, round(profit, 2) AS profit, round(profit_pct, 2) AS profit_pct, trades, wins, losses,
       round(100 * max_drawdown, 2) AS max_drawdown_pct, round(buy_and_hold_profit_pct, 2) AS buy_and_hold_pct
FROM sandbox_metrics WHERE run_id = '{run_id}' ORDER BY symbol
"""


def add_to(app: typer.Typer) -> None:
    """Register the pipeline's commands."""
    for command in (ingest, derive, enrich, sandbox, publish, maintain):
        app.command()(command)
    app.add_typer(training.app, name="training")


def ingest(
    source: Annotated[
        str | None, typer.Option(help="files, sample, simulated or yahoo; default conf/universe.yaml.")
    ] = None,
    mode: Annotated[
        str, typer.Option(help="catch-up, or reset: refetch all, close what vanished.")
    ] = "catch-up",
    path: Annotated[str | None, typer.Option(help="File or folder of source files.")] = None,
    symbols: Symbols = None,
    timeframe: Annotated[str, typer.Option(help="1d, or 1m 5m 15m 30m.")] = "1d",
    start: Start = None,
    end: End = None,
    exchange: Annotated[str | None, typer.Option(help="Market identifier code of new symbols.")] = None,
    price_basis: Annotated[str, typer.Option(help="raw: as traded; split: already split-adjusted.")] = "raw",
) -> None:
    """Fetch bars and actions, check them, and merge them into the lake."""
    from lake.steps import ingest as step

    settings = load_settings()
    request = step.default_request(
        settings,
        source=source,
        mode=mode,
        path=path,
        symbols=symbols_of(symbols),
        timeframe=timeframe,
        start=date_of(start, "--from"),
        end=date_of(end, "--to"),
        exchange=exchange,
        price_basis=price_basis,
    )
    print_counts("ingested", step.ingest(settings, request))


def derive(
    symbols: Symbols = None,
    timeframe: Annotated[str | None, typer.Option(help="1wk,2d..13d,5m,15m,30m; all if left out.")] = None,
) -> None:
    """Derive weekly and N-day bars from the daily ones, and 5 to 30 minute bars from minutes."""
    from lake.steps.derive import derive_longer_bars

    counts = derive_longer_bars(load_settings(), symbols_of(symbols), names_of(timeframe))
    print_counts("derived", counts)


def enrich(
    symbols: Symbols = None,
    timeframe: Annotated[str | None, typer.Option(help="1d, 1wk, 2d..13d; all if left out.")] = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option(help="Write to this Parquet file instead of the lake.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Compute all anew, also what is up to date.")] = False,
) -> None:
    """Compute every registered column of every complete bar whose row is missing or out of date."""
    from lake.steps import enrich as step
    from lake.store.catalog import parse_as_of

    settings, names, frames = load_settings(), symbols_of(symbols), names_of(timeframe)
    first, last = date_of(start, "--from"), date_of(end, "--to")
    if out is not None:
        moment = parse_as_of(as_of) if as_of else None
        print_counts("enriched", step.enrich_to_file(settings, out, names, frames, first, last, moment))
    elif as_of is not None:
        raise BadInput(
            "expected --out PATH with --as-of, found none: the lake keeps what is known now; add --out"
        )
    else:
        print_counts("enriched", step.enrich_features(settings, names, frames, first, last, full))


def sandbox(
    strategy: Annotated[str, typer.Option(help="A strategy of conf/strategies.yaml.")],
    symbols: Symbols = None,
    timeframe: Annotated[str | None, typer.Option(help="Default: the strategy's own.")] = None,
    start: Start = None,
    end: End = None,
    account: Annotated[str, typer.Option(help="per-stock: one account a symbol.")] = "per-stock",
    commission_bps: Annotated[float, typer.Option(help="Hundredths of a percent of a traded value.")] = 5.0,
    slippage_bps: Annotated[float, typer.Option(help="Hundredths of a percent of the open.")] = 5.0,
    cash: Annotated[float, typer.Option(help="What every account starts with.")] = 10_000.0,
    as_of: AsOf = None,
) -> None:
    """Trade a strategy over the lake's history and show what each account made."""
    from lake.cli.ask import answer
    from lake.steps.sandbox import run_sandbox
    from lake.store.catalog import parse_as_of

    counts = run_sandbox(
        load_settings(),
        strategy,
        symbols_of(symbols),
        timeframe,
        date_of(start, "--from"),
        date_of(end, "--to"),
        account,
        commission_bps,
        slippage_bps,
        cash,
        parse_as_of(as_of) if as_of else None,
    )
    print_counts("sandbox", counts)
    print_rows(answer(_RESULT.format(run_id=counts["run_id"])), "table")


def publish() -> None:
    """Publish features, alerts, sandbox results and training sets to MongoDB."""
    from lake.steps.publish import publish_documents

    print_counts("published", publish_documents(load_settings()))


def maintain() -> None:
    """Compact tables, write checkpoints, remove files that no version needs."""
    from lake.steps.maintain import maintain as step

    print_counts("maintained", step(load_settings()))
