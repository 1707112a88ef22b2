"""What the tasks of all DAGs share: how they are tried again, and how a form becomes arguments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import ExceptionRetryPolicy, Param, RetryAction, RetryRule

if TYPE_CHECKING:
    from lake.config import Settings

DEFAULT_ARGS = {
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    # Trying again helps against hosts and disks, never against a request that is wrong.
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=["lake.errors.BadInput", "lake.errors.BadConfiguration"],
                action=RetryAction.FAIL,
                reason="the request or the configuration is wrong",
            )
        ]
    ),
}

SYMBOLS = Param(
    None,
    type=["null", "array"],
    items={"type": "string"},
    title="Symbols",
    description="One a line; empty means all.",
)
FROM = Param(None, type=["null", "string"], format="date", title="From", description="First session date.")
TO = Param(
    None, type=["null", "string"], format="date", title="To", description="Last session date, included."
)


def lake_settings() -> Settings:
    """Return the settings of this installation."""
    from lake.config import load_settings

    return load_settings()


def symbols_of(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the symbols of a form; none if it names none."""
    from lake.market.symbols import parse_symbols

    return parse_symbols(params["symbols"] or ())


def date_of(params: Mapping[str, Any], name: str) -> date | None:
    """Return a date of a form; None if it was left empty."""
    return date.fromisoformat(params[name]) if params[name] else None
