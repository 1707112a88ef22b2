"""What the tasks of all DAGs share: how they are tried again, and how a form becomes arguments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param, RetryDecision, RetryPolicy

if TYPE_CHECKING:
    from airflow.sdk import Context

    from lake.config import Settings
    from lake.sources.base import IngestRequest

RETRIES = 3

PATIENT_RETRIES = 20
"""Of tasks that ask a host which may want to be left alone, for 15 minutes each time at the longest."""


class LakeRetryPolicy(RetryPolicy):
    """Try again when the host said, else after growing pauses, and never what is wrong in itself."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Return whether and when a task is tried again that failed with `exception`."""
        from lake.errors import BadAnswer, BadConfiguration, BadInput, SourceBusy

        if isinstance(exception, SourceBusy):
            # A second later than asked, so that the clocks of two processes agree.
            return RetryDecision.retry(timedelta(seconds=1 + (exception.wait or 0)), str(exception))
        if isinstance(exception, BadInput | BadConfiguration | BadAnswer):
            return RetryDecision.fail("the request, the configuration or the answer is wrong")
        if try_number > RETRIES:
            return RetryDecision.fail(f"tried {try_number} times")
        return RetryDecision.default()


DEFAULT_ARGS = {
    "retries": RETRIES,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": LakeRetryPolicy(),
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

MODE = Param(
    "catch-up",
    type="string",
    enum=["catch-up", "reset"],
    title="Mode",
    description="reset fetches everything anew and closes what the source no longer has.",
)
PATH = Param(None, type=["null", "string"], title="Path", description="File or folder, for source files.")
PRICE_BASIS = Param(
    "raw",
    type="string",
    enum=["raw", "split"],
    title="Price basis",
    description="What the delivered prices are: as traded, or already divided by later splits.",
)


def source_param(*names: str) -> Param:
    """Return the choice of a source, conf/universe.yaml's if none is chosen."""
    return Param(
        None,
        type=["null", "string"],
        enum=[None, *names],
        values_display={"None": "as in conf/universe.yaml"},
        title="Source",
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


def request_of(params: Mapping[str, Any]) -> IngestRequest:
    """Return what the form of an ingest asks for; of days where it does not name a timeframe."""
    from lake.steps.ingest import default_request

    return default_request(
        lake_settings(),
        source=params["source"],
        symbols=symbols_of(params),
        mode=params["mode"],
        path=params["path"],
        timeframe=params.get("timeframe", "1d"),
        start=date_of(params, "from"),
        end=date_of(params, "to"),
        price_basis=params["price_basis"],
    )
