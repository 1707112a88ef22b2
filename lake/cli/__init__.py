"""The command `lake`: everything a DAG does, and every question the lake answers."""

from __future__ import annotations

import sys

import typer

from lake.cli import alerts, ask, levels, notify, pipeline, rules, states, verify, why
from lake.config import load_settings
from lake.errors import LakeError

app = typer.Typer(
    name="lake",
    help="Bars, features, a strategy sandbox and training sets for stocks, from one definition.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
pipeline.add_to(app)
levels.add_to(app)
alerts.add_to(app)
states.add_to(app)
why.add_to(app)
ask.add_to(app)
verify.add_to(app)
rules.add_to(app)
notify.add_to(app)


def main() -> None:
    """Run the command line; a user's error or a broken disk ends in one sentence and exit code 1."""
    try:
        app()
    except LakeError as error:
        print(f"lake: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("lake: interrupted; the next run of the same command finishes what was begun", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        from lake.store.failures import store_failure

        failure = store_failure(load_settings().lake_root, error)
        if failure is None:
            raise
        print(f"lake: {failure}", file=sys.stderr)
        sys.exit(1)
