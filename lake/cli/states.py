"""The command `lake states`: where symbols stand."""

from __future__ import annotations

from typing import Annotated

import typer

from lake.cli.options import AsOf, Symbols, symbols_of
from lake.cli.output import FORMATS, print_rows
from lake.config import load_settings


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(states)


def states(
    symbols: Symbols = None,
    as_of: AsOf = None,
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "table",
) -> None:
    """Show each symbol's best timeframe and whether to buy, hold or sell; empty where history is missing."""
    from lake.steps.states import find_states
    from lake.store.catalog import parse_as_of

    found = find_states(load_settings(), symbols_of(symbols), parse_as_of(as_of) if as_of else None)
    print_rows(found if form != "table" else found.drop_columns("standings"), form)
