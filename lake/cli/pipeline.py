"""Commands that change the lake, in the order of the pipeline."""

from __future__ import annotations

from typing import Annotated

import typer

from lake.cli.options import AsOf, End, Start, Symbols, date_of, names_of, symbols_of
from lake.cli.output import print_counts, print_rows
from lake.config import load_settings

training = typer.Typer(help="Training sets: build, list, rebuild, compare.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the pipeline's commands."""
    for command in (ingest, derive, enrich, sandbox, publish, maintain):
        app.command()(command)
    app.add_typer(training, name="training")


def ingest(
    source: Annotated[str | None, typer.Option(help="files or sample; default conf/universe.yaml.")] = None,
    mode: Annotated[str, typer.Option(help="catch-up, or reset: refetch all, close what vanished.")] = "catch-up",
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
    timeframe: Annotated[str | None, typer.Option(help="1wk,2d..13d; default conf/universe.yaml.")] = None,
) -> None:
    """Derive weekly and N-day bars from the daily ones."""
    from lake.steps.derive import derive_longer_bars

    counts = derive_longer_bars(load_settings(), symbols_of(symbols), names_of(timeframe))
    print_counts("derived", counts)


def publish() -> None:
    """Publish features, sandbox results and training sets to MongoDB."""
    from lake.steps.publish import publish_documents

    print_counts("published", publish_documents(load_settings()))


def maintain() -> None:
    """Compact tables, write checkpoints, remove files that no version needs."""
    from lake.steps.maintain import maintain as step

    print_counts("maintained", step(load_settings()))
