"""Commands that ask, and the verbs of quarantine: the only ones here that change the lake."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import pyarrow as pa
import typer

from lake.cli.options import AsOf, Symbols, symbols_of
from lake.cli.output import FORMATS, print_counts, print_rows
from lake.config import load_settings

Format = Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")]

Ids = Annotated[list[str], typer.Argument(help="Ids, or their first characters, as `list` shows them.")]

quarantine = typer.Typer(
    help="Rows that were set aside because they cannot be bars, and bars and actions that are doubted.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Register the asking commands."""
    for command in (sql, symbols, columns, check):
        app.command()(command)
    app.add_typer(quarantine, name="quarantine")


def sql(
    query: Annotated[str, typer.Argument(help='Such as "select symbol, count(*) from bars group by all".')],
    as_of: AsOf = None,
    form: Format = "table",
) -> None:
    """Ask the lake's views in SQL (DuckDB's dialect)."""
    from lake.store.catalog import CHARTS, CORE

    print_rows(answer(query, as_of, (*CORE, *CHARTS)), form)


def symbols(form: Format = "table") -> None:
    """List the symbols the lake knows."""
    print_rows(answer("SELECT * FROM symbols ORDER BY symbol"), form)


def columns(form: Format = "table") -> None:
    """List the registered columns: inputs, parameters, formula; --format md is the data dictionary."""
    from lake.features.registry import described

    print_rows(described(), form)


@quarantine.command("list")
def quarantine_list(
    form: Format = "table",
    symbols: Symbols = None,
    suspect: Annotated[
        bool, typer.Option("--suspect", help="Suspect bars and actions instead: kept, but doubted.")
    ] = False,
) -> None:
    """List what was set aside, newest first; with --suspect what was kept but is doubted."""
    if suspect:
        print_rows(_suspects(by_their_names(symbols_of(symbols))), form)
        return
    wanted = ", ".join(f"'{name}'" for name in by_their_names(symbols_of(symbols)))
    where = f"WHERE symbol IN ({wanted})" if wanted else ""
    print_rows(
        answer(
            "SELECT left(quarantine_id, 12) AS id, symbol, timeframe, ts, source, reason, detail, row, "
            f"status, known_at FROM quarantine {where} ORDER BY known_at DESC, symbol, ts"
        ),
        form,
    )


@quarantine.command("release")
def quarantine_release(ids: Ids) -> None:
    """Say that rows, suspect bars or actions are right: they enter, or count, from now on."""
    from lake.steps.quarantine import RELEASED, decide

    print_counts("released", decide(load_settings(), ids, RELEASED))


@quarantine.command("discard")
def quarantine_discard(ids: Ids) -> None:
    """Say that rows, suspect bars or actions are wrong: they are out, also when delivered again."""
    from lake.steps.quarantine import DISCARDED, decide

    print_counts("discarded", decide(load_settings(), ids, DISCARDED))


def _suspects(symbols: tuple[str, ...]) -> pa.Table:
    from lake.steps.quarantine import suspects
    from lake.store.catalog import connect
    from lake.store.lake import Lake

    rows = suspects(connect(Lake.open(load_settings())))
    names = ("id", "about", "symbol", "timeframe", "ts", "source", "reason", "row")
    chosen = [{**row, "id": row["id"][:12]} for row in rows if not symbols or row["symbol"] in symbols]
    kinds = {name: pa.timestamp("us", "UTC") if name == "ts" else pa.string() for name in names}
    return pa.Table.from_pylist(chosen, schema=pa.schema(list(kinds.items())))


def check() -> None:
    """Check the configuration, the addresses and the disk; exit 1 if something needs doing."""
    from lake.steps.check import check as step

    findings = step(load_settings())
    for finding in findings:
        print(f"{'ok ' if finding.is_ok else 'BAD'}  {finding.about}: {finding.found}")
    if not all(finding.is_ok for finding in findings):
        sys.exit(1)


def by_their_names(symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Return symbols with aliases of the lake's symbols replaced; unknown ones stay, for rows set aside."""
    from lake.store.catalog import connect
    from lake.store.lake import Lake
    from lake.store.reads import symbol_names

    if not symbols:
        return ()
    known = symbol_names(connect(Lake.open(load_settings())))
    return tuple(dict.fromkeys(known.get(name, name) for name in symbols))


def answer(query: str, as_of: str | None = None, layers: Sequence[str] | None = None) -> pa.Table:
    """Return what the catalog's views answer to a query, as known now or at `as_of`.

    These are the core's views unless `layers` names more.

    Raises:
        BadInput: the query is not one over the lake's views.
    """
    import duckdb

    from lake.errors import BadInput
    from lake.store.catalog import CORE, connect, parse_as_of
    from lake.store.lake import Lake

    con = connect(Lake.open(load_settings()), parse_as_of(as_of) if as_of else None, layers or CORE)
    try:
        return con.execute(query).to_arrow_table()
    except duckdb.Error as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"expected a query over the lake's views, found: {reason}") from error
