"""Commands about notifications."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import typer

from lake.cli.output import FORMATS, print_rows
from lake.config import load_settings
from lake.errors import BadInput

if TYPE_CHECKING:
    from lake.notify.notifier import Notifier
    from lake.store.lake import Lake

PATIENCE_SECONDS = 30.0
"""How long a command waits for another process that is sending."""

notify = typer.Typer(
    help="Messages about alerts: what was sent, to whom, and what was not.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Register the commands about notifications."""
    app.add_typer(notify, name="notify")


@notify.callback()
def about() -> None:
    """Messages about alerts: what was sent, to whom, and what was not."""


@notify.command()
def test(
    channel: Annotated[
        str | None, typer.Option(help="One channel of conf/channels.yaml; all if left out.")
    ] = None,
) -> None:
    """Send a message that is marked as a test, and say what came of it."""
    with closing(_notifier()) as notifier:
        outcomes = notifier.test(channel)
    for name, outcome in outcomes.items():
        print(f"{name}: {outcome.kind} ({outcome.detail})")
    if any(outcome.kind != "sent" for outcome in outcomes.values()):
        raise typer.Exit(1)


@notify.command()
def ack(alert_id: Annotated[str, typer.Argument(help="The alert that was seen.")]) -> None:
    """Note that an alert was seen; what was not sent of it yet is not sent any more."""
    lake = _lake()
    with closing(_notifier()) as notifier:
        if not notifier.knows(alert_id, lake):
            raise BadInput(f"expected the alert_id of an alert in the lake, found {alert_id!r}")
        is_new = notifier.acknowledge(alert_id)
        notifier.record(lake)
    print("acknowledged" if is_new else "was acknowledged before")


@notify.command()
def resend(
    alert_id: Annotated[str | None, typer.Argument(help="The alert to send again.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed or were given up.")] = False,
) -> None:
    """Send the messages of an alert again, or all that failed, and say what came of them."""
    if (alert_id is None) != failed:
        raise BadInput("expected either an alert_id or --failed, found " + ("both" if failed else "none"))
    with closing(_notifier()) as notifier:
        count = notifier.resend(alert_id)
        if alert_id is not None and not count:
            raise BadInput(f"expected an alert that has messages, found {alert_id!r}; see `lake notify list`")
        sent = notifier.deliver(wait_seconds=PATIENCE_SECONDS)
        notifier.record(_lake())
    print(f"resend: asked for {count:,}, messages sent {sent:,}")


@notify.command("list")
def unfinished(
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "table",
) -> None:
    """List what was not delivered yet: waiting, failed and given up."""
    from lake.feed.times import moment_of

    with closing(_notifier()) as notifier:
        rows = [
            {
                **{
                    name: row[name] for name in ("alert_id", "channel", "state", "symbol", "rule", "attempts")
                },
                "due_at": moment_of(row["due_at"]) if row["state"] in ("intended", "failed") else None,
                "detail": row["detail"],
            }
            for row in notifier.unfinished()
        ]
    if rows or form != "table":
        print_rows(pa.Table.from_pylist(rows), form)
    else:
        print("nothing is waiting")


def _notifier() -> Notifier:
    from lake.notify.notifier import Notifier
    from lake.store.lake import now_utc

    return Notifier(load_settings(), now_utc)


def _lake() -> Lake:
    from lake.store.lake import Lake

    return Lake.open(load_settings())
