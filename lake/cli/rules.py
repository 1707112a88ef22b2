"""Commands about rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from lake.cli.options import End, Start, Symbols, date_of, names_of, symbols_of
from lake.cli.output import FORMATS, print_rows
from lake.config import load_settings

rules = typer.Typer(help="Rules of conf/rules.yaml: when a bar is news.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Register the commands about rules."""
    app.add_typer(rules, name="rules")


@rules.callback()
def about() -> None:
    """Rules of conf/rules.yaml: when a bar is news."""


Form = Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")]
File = Annotated[Path | None, typer.Option("--rules", help="A file of rules, instead of conf/rules.yaml.")]


@rules.command()
def check(file: File = None, form: Form = "table") -> None:
    """List the rules with their versions; refuse a bad file with line, expected and found."""
    from lake.rules.identity import rule_version
    from lake.rules.language import read_rule_file
    from lake.rules.rule import sides_of

    found = read_rule_file(file or load_settings().conf_folder / "rules.yaml")
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


@rules.command()
def test(
    file: File = None,
    rule: Annotated[str | None, typer.Option(help="One rule of the file; all if left out.")] = None,
    symbols: Symbols = None,
    timeframe: Annotated[
        str | None, typer.Option(help="1d, 1wk, 15m …, as A,B,C; all of the rules if left out.")
    ] = None,
    start: Start = None,
    end: End = None,
    each: Annotated[bool, typer.Option("--each", help="List every time that a rule fires.")] = False,
    form: Form = "table",
) -> None:
    """Show when rules would have fired over the lake's history; nothing is written."""
    from lake.steps.rule_trial import fires, summary, try_rules

    trials = try_rules(
        load_settings(),
        file,
        rule,
        symbols_of(symbols),
        names_of(timeframe),
        date_of(start, "--from"),
        date_of(end, "--to"),
    )
    print_rows(fires(trials) if each else summary(trials), form)


@rules.command()
def schema(
    strategies: Annotated[
        bool, typer.Option("--strategies", help="That of conf/strategies.yaml instead.")
    ] = False,
) -> None:
    """Print the JSON Schema by which editors check and complete conf/rules.yaml."""
    from lake.rules.schema import rules_schema, strategies_schema

    print(json.dumps(strategies_schema() if strategies else rules_schema(), indent=2))
