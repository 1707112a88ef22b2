"""The command `lake why`: an alert's rule as a truth table, from the lake's bars then and now."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import pyarrow as pa
import typer

from lake.cli.output import print_rows
from lake.config import load_settings
from lake.errors import BadInput

if TYPE_CHECKING:
    from lake.rules.explain import Finding
    from lake.steps.derivation import Derivation
    from lake.steps.why import Why

FORMATS = ("text", "json")
SAID = (
    "alert_id", "rule", "rule_version", "variant", "symbol", "timeframe", "ts", "closes_at", "side", "price",
    "level_id", "reason", "origin", "fired_at",
)  # fmt: skip
"""What of an alert goes into JSON as it is."""

SHOWN = 10
"""Changes that are printed; the rest are counted."""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(why)


def why(
    alert_id: Annotated[str, typer.Argument(help="The alert's id, or its first characters.")],
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "text",
) -> None:
    """Say why an alert was raised, worked out anew from the lake's bars as known then and now."""
    from lake.steps.why import Explainer

    if form not in FORMATS:
        raise BadInput(f"expected --format, one of {', '.join(FORMATS)}, found {form!r}")
    found = Explainer(load_settings()).why(alert_id)
    if form == "json":
        sys.stdout.write(orjson.dumps(as_json(found), option=orjson.OPT_UTC_Z).decode() + "\n")
    else:
        _print(found)


def as_json(found: Why) -> dict[str, Any]:
    """Return an explanation as JSON can hold it."""
    alert = found.stored
    return {
        "alert": {name: getattr(alert, name) for name in SAID}
        | {"status": found.status, "revision": found.revision, "values": dict(alert.values)},
        "definition": found.rule.text if found.rule else None,
        "seen_at": found.seen_at,
        "is_rederived": found.is_rederived,
        "is_unchanged": found.is_unchanged,
        "then": _derivation(found.then),
        "now": _derivation(found.now),
        "bars": [{"bar": name, **values} for name, values in found.bars],
        "changes": [
            {"about": each.about, "then": each.then, "now": each.now, "text": str(each)}
            for each in found.changes
        ],
        "rule_change": found.rule_change,
    }


def _derivation(found: Derivation) -> dict[str, Any]:
    return {
        "verdict": found.verdict,
        "values": dict(found.alert.values) if found.alert else None,
        "table": [_row(each) for each in found.findings],
    }


def _row(finding: Finding) -> dict[str, Any]:
    known = {name: value if value == value else None for name, value in finding.values.items()}
    return {"depth": finding.depth, "condition": finding.text, "holds": finding.holds, "values": known}


def _print(found: Why) -> None:
    alert = found.stored
    state = f" ({alert.variant})" if alert.level_id is None and alert.variant != alert.side else ""
    bar = f"{alert.timeframe} bar of {alert.ts:%Y-%m-%d %H:%M}Z"
    print(f"{alert.alert_id[:16]}  {alert.side} {alert.rule}{state} on {alert.symbol}, {bar}")
    print(f"  {found.status}, by {alert.origin}, revision {found.revision}, at {alert.price:.10g}")
    print(f"  {alert.reason}")
    print(f"As the bars were known at {found.seen_at:%Y-%m-%d %H:%M:%S}Z: {found.then.verdict}.")
    _print_table(found.then)
    print("The bars that it stood on, as traded:")
    print_rows(pa.Table.from_pylist([{"bar": name, **values} for name, values in found.bars]), "table")
    print(f"As they are known now: {found.now.verdict}.")
    if not found.is_unchanged or not found.is_rederived:
        _print_table(found.now)
    print("Changed since: " + ("" if found.changes or found.rule_change else "nothing."))
    for text in filter(None, (found.rule_change, *map(str, found.changes[:SHOWN]))):
        print(f"  {text}")
    if len(found.changes) > SHOWN:
        print(f"  … and {len(found.changes) - SHOWN:,} more; --format json has them all")


def _print_table(found: Derivation) -> None:
    for finding in found.findings:
        print(f"  {finding}")
