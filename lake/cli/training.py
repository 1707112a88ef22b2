"""Commands on training sets."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa
import typer

from lake.cli.options import AsOf, End, Start, Symbols, date_of, symbols_of
from lake.cli.output import print_counts, print_rows
from lake.config import load_settings
from lake.errors import BadInput

app = typer.Typer(help="Training sets: build, list, rebuild, compare.", no_args_is_help=True)

Identity = Annotated[str, typer.Argument(help="An id that `lake training list` shows.")]


@app.command()
def build(
    symbols: Symbols = None,
    timeframe: Annotated[str, typer.Option(help="Timeframe of the rows.")] = "1d",
    start: Start = None,
    end: End = None,
    horizons: Annotated[str, typer.Option(help="Bars from entry to exit of each label.")] = "1,5,20",
    as_of: AsOf = None,
) -> None:
    """Build a training set: features known at the close, labels that could be traded."""
    from lake.steps.training import build_training_set
    from lake.store.catalog import parse_as_of

    built = build_training_set(
        load_settings(),
        symbols_of(symbols),
        timeframe,
        date_of(start, "--from"),
        date_of(end, "--to"),
        _numbers(horizons),
        parse_as_of(as_of) if as_of else None,
    )
    print_counts("built", built)


@app.command("list")
def list_sets() -> None:
    """List the training sets that were built, oldest first."""
    from lake.steps.training import list_training_sets

    print_rows(pa.Table.from_pylist(list_training_sets(load_settings())), "table")


@app.command()
def rebuild(training_set_id: Identity) -> None:
    """Build a set again from its own pins; exit 1 if it comes out different."""
    from lake.steps.training import rebuild_training_set

    found = rebuild_training_set(load_settings(), training_set_id)
    if not found["is_same"]:
        _print_differences(found["differences"])
        raise BadInput(
            f"expected training set {training_set_id} with content {found['expected_hash'][:12]}, found "
            f"{found['content_hash'][:12]}; the differences above say why"
        )
    print_counts("rebuilt", {"training_set_id": training_set_id, "content_hash": found["content_hash"]})


@app.command()
def diff(a: Identity, b: Identity) -> None:
    """Show what differs between two training sets."""
    from lake.steps.training import diff_training_sets

    _print_differences(diff_training_sets(load_settings(), a, b)["differences"])


def _print_differences(differences: dict[str, list[Any]]) -> None:
    rows = [{"what": name, "a": str(a), "b": str(b)} for name, (a, b) in differences.items()]
    schema = pa.schema({name: pa.string() for name in ("what", "a", "b")})
    print_rows(pa.Table.from_pylist(rows, schema), "table")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise BadInput(f"expected --horizons as whole numbers such as 1,5,20, found {text!r}") from error
