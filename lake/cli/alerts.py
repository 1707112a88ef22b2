"""The command `lake alerts`: what every rule says of the lake's history."""

from __future__ import annotations

from typing import Annotated

import typer

from lake.cli.options import AsOf, End, Start, Symbols, date_of, names_of, symbols_of
from lake.cli.output import FORMATS, print_counts, print_rows
from lake.config import load_settings
from lake.errors import BadInput


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(alerts)


def alerts(
    symbols: Symbols = None,
    timeframe: Annotated[
        str | None, typer.Option(help="1d, 1wk, 15m …, as A,B,C; all that a rule names if left out.")
    ] = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the alerts, write none.")] = False,
    form: Annotated[
        str, typer.Option("--format", help=f"Of --dry-run, one of {', '.join(FORMATS)}.")
    ] = "table",
) -> None:
    """Raise the alerts of every rule; --from and --to limit what is written, never what is seen."""
    from lake.steps import alerts as step
    from lake.store.catalog import parse_as_of

    settings, names, frames = load_settings(), symbols_of(symbols), names_of(timeframe)
    first, last = date_of(start, "--from"), date_of(end, "--to")
    if dry_run:
        moment = parse_as_of(as_of) if as_of else None
        print_rows(step.find_alerts(settings, names, frames, first, last, moment), form)
    elif as_of is not None:
        raise BadInput(
            "expected --dry-run with --as-of, found none: the lake keeps what is known now; add --dry-run"
        )
    else:
        print_counts("alerts", step.raise_alerts(settings, names, frames, first, last))
