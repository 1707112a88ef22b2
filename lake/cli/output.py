"""How results are printed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from rich import box
from rich.console import Console
from rich.table import Table

from lake.errors import BadInput

FORMATS = ("table", "csv", "json", "md", "parquet")
_UNSAFE = ("=", "+", "-", "@", "\t", "\r")


def print_counts(verb: str, counts: Mapping[str, Any]) -> None:
    """Print what a step did: its own counts on one line, those of each part on a line below."""
    own = {name: value for name, value in counts.items() if not isinstance(value, Mapping)}
    parts = {name: value for name, value in counts.items() if isinstance(value, Mapping)}
    print(f"{verb}: {_pairs(own)}" if own else f"{verb}:")
    for name, part in parts.items():
        print(f"  {name}: {_pairs(part)}")


def print_rows(rows: pa.Table, form: str) -> None:
    """Print rows as a table, CSV, JSON or Markdown, or write Parquet to standard output.

    Raises:
        BadInput: there is no such format, or Parquet would go to a terminal.
    """
    if form == "table":
        _print_table(rows)
    elif form == "json":
        sys.stdout.write(orjson.dumps(rows.to_pylist(), default=str).decode() + "\n")
    elif form == "md":
        sys.stdout.write(_markdown(rows))
    elif form == "csv":
        pyarrow.csv.write_csv(_harmless(rows), sys.stdout.buffer)
    elif form == "parquet" and not sys.stdout.isatty():
        pyarrow.parquet.write_table(rows, pa.PythonFile(sys.stdout.buffer, mode="w"))
    elif form == "parquet":
        raise BadInput("expected a file for Parquet, found a terminal; add > FILE.parquet")
    else:
        raise BadInput(f"expected --format, one of {', '.join(FORMATS)}, found {form!r}")


def _pairs(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_count(value)}" for name, value in counts.items())


def _count(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _print_table(rows: pa.Table) -> None:
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for field in rows.schema:
        table.add_column(field.name, justify="right" if _is_number(field.type) else "left", overflow="fold")
    for row in rows.to_pylist():
        table.add_row(*(_shown(value) for value in row.values()))
    if not console.is_terminal:  # a pipe has no width to fit into
        console = Console(width=10_000)
    console.print(table)


def _markdown(rows: pa.Table) -> str:
    lines = [rows.column_names, ["---"] * rows.num_columns]
    lines += [[_shown(value).replace("\\[", "[") for value in row.values()] for row in rows.to_pylist()]
    cells = ([cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:g}"
    text = str(value)
    return text.removesuffix(" 00:00:00+00:00").replace("+00:00", "Z").replace("[", "\\[")


def _harmless(rows: pa.Table) -> pa.Table:
    """Return rows whose texts no spreadsheet runs as a formula."""
    for index, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            texts = [f"'{t}" if t and t.startswith(_UNSAFE) else t for t in rows[index].to_pylist()]
            rows = rows.set_column(index, field, pa.array(texts, field.type))
    return rows
