"""Commands about rules."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa
import typer

from lake.cli.output import FORMATS, print_rows
from lake.config import load_settings

rules = typer.Typer(help="Rules of conf/rules.yaml: when a bar is news.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the commands about rules."""
    app.add_typer(rules, name="rules")


@rules.callback()
def about() -> None:
    """Rules of conf/rules.yaml: when a bar is news."""


@rules.command()
def check(
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "table",
) -> None:
    """List the rules with their versions; refuse a bad file with line, expected and found."""
    from lake.rules.identity import rule_version
    from lake.rules.language import read_rules
    from lake.rules.rule import sides_of

    found = read_rules(load_settings().conf_folder)
    rows = [
        {
            "rule": rule.name,
            "version": rule_version(rule),
            "timeframes": ", ".join(rule.timeframes),
            "variants": ", ".join(dict.fromkeys(case.variant for case in rule.cases)) or "level_id",
            "sides": ", ".join(sides_of(rule)),
            "fires": rule.fires,
            "severity": rule.severity,
        }
        for rule in found.values()
    ]
    print_rows(pa.Table.from_pylist(rows), form)
