"""The command `lake verify`: the lake's own audits, or the lookahead gate."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lake.cli.options import Symbols, names_of, symbols_of
from lake.cli.output import print_counts, print_rows
from lake.config import load_settings
from lake.errors import BadInput

MOST_SHOWN = 40
"""Findings that are printed; one fault may show in every history."""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(verify)


def verify(
    lookahead: Annotated[
        bool,
        typer.Option(
            "--lookahead",
            help="Instead: recompute columns, levels, rules and longer bars on truncated histories.",
        ),
    ] = False,
    symbols: Symbols = None,
    timeframe: Annotated[
        str | None, typer.Option(help="With --lookahead: 1d,1wk,15m …; all that have bars if left out.")
    ] = None,
    cuts: Annotated[
        int | None, typer.Option(help="With --lookahead: at how many bars each history is cut; 3.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="With --lookahead: the same seed and bars, the same cuts; 0.")
    ] = None,
) -> None:
    """Run the lake's own audits; exit 1 if any returns rows, or with --lookahead if anything looks ahead."""
    if lookahead:
        _verify_lookahead(symbols_of(symbols), names_of(timeframe), cuts, seed)
        return
    given = {"--symbols": symbols, "--timeframe": timeframe, "--cuts": cuts, "--seed": seed}
    if alone := [name for name, value in given.items() if value is not None]:
        raise BadInput(f"expected {alone[0]} together with --lookahead, found it alone; add --lookahead")
    _verify_audits()


def _verify_audits() -> None:
    from lake.steps.verify import verify as step

    audits = step(load_settings())
    for audit in audits:
        print(f"{'ok ' if audit.is_clean else 'BAD'}  {audit.name}: {audit.bad_rows.num_rows:,} bad rows")
        if not audit.is_clean:
            print_rows(audit.bad_rows.slice(0, 10), "table")
    if not all(audit.is_clean for audit in audits):
        sys.exit(1)


def _verify_lookahead(
    symbols: tuple[str, ...], timeframes: tuple[str, ...] | None, cuts: int | None, seed: int | None
) -> None:
    from rich.progress import Progress

    from lake.steps.lookahead import CUTS, verify_lookahead

    with Progress(transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("lookahead")

        def tell(done: int, of: int, what: str) -> None:
            bar.update(task, completed=done, total=of, description=what)

        verdict = verify_lookahead(
            load_settings(), symbols, timeframes, CUTS if cuts is None else cuts, seed or 0, tell=tell
        )
    if not verdict.histories:
        raise BadInput(
            f"expected bars of {', '.join(timeframes or ['some timeframe'])} to look at, found none; run "
            "`lake ingest` first, or choose other symbols or timeframes"
        )
    for finding in verdict.findings[:MOST_SHOWN]:
        print(f"BAD  {finding}")
    if (more := len(verdict.findings) - MOST_SHOWN) > 0:
        print(f"BAD  and {more:,} more")
    print_counts("ok   lookahead" if not verdict.findings else "BAD  lookahead", verdict.counts)
    if verdict.findings:
        sys.exit(1)
