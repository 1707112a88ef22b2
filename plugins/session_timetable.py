"""A timetable on exchange sessions: one run after every close, holidays and half days included."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk.timezone import utcnow
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable

if TYPE_CHECKING:
    from airflow.timetables.base import TimeRestriction
    from pendulum import DateTime

    from lake.market.sessions import Calendar

GRACE = timedelta(minutes=10)
"""How long a first run that has become due stays due, since every parse of the file asks again."""


class SessionTimetable(Timetable):
    """Run some minutes after each session of an exchange closes; the data interval is the session.

    Without catch-up a new installation starts with the next session, and after an absence one run
    stands for all that were missed, since an ingest fetches everything up to the present.

    Args:
        exchange: market identifier code, such as XNYS.
        minutes_after_close: what the data vendor needs to deliver the day.
    """

    def __init__(self, exchange: str = "XNYS", minutes_after_close: int = 30) -> None:
        self.exchange = exchange
        self.delay = timedelta(minutes=minutes_after_close)
        self.description = f"{minutes_after_close} minutes after each {exchange} session closes"

    @property
    def summary(self) -> str:
        """Return what the list of DAGs shows."""
        return f"{self.exchange} close + {self.delay // timedelta(minutes=1)} min"

    def serialize(self) -> dict[str, Any]:
        """Return the arguments as JSON."""
        return {"exchange": self.exchange, "minutes_after_close": self.delay // timedelta(minutes=1)}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> SessionTimetable:
        """Return the timetable of `serialize`."""
        return cls(**data)

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """Return the last session that had closed when a person started the run."""
        return self._interval(max(_first_after(self._calendar().closes_at, run_after) - 1, 0))

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next session to run for, and when; None after the DAG's end."""
        days = self._calendar()
        candidates = []
        if last_automated_data_interval is not None:
            candidates.append(_first_from(days.opens_at, last_automated_data_interval.end))
        if restriction.earliest is not None:
            candidates.append(_first_from(days.opens_at, restriction.earliest))
        if not restriction.catchup or not candidates:
            candidates.append(self._without_catchup(is_first=last_automated_data_interval is None))
        index = max(candidates)
        if index >= len(days.sessions):
            return None
        session = self._interval(index)
        if restriction.latest is not None and session.start > restriction.latest:
            return None
        return DagRunInfo(run_after=session.end + self.delay, data_interval=session)

    def _without_catchup(self, is_first: bool) -> int:
        """Return the session that is next for a new installation, or the last one due for an old one."""
        closes = self._calendar().closes_at
        if is_first:
            return _first_after(closes, utcnow() - self.delay - GRACE)
        return _first_after(closes, utcnow() - self.delay) - 1

    def _interval(self, index: int) -> DataInterval:
        days = self._calendar()
        return DataInterval(_moment(days.opens_at[index]), _moment(days.closes_at[index]))

    def _calendar(self) -> Calendar:
        from lake.market.sessions import calendar

        return calendar(self.exchange)


def _first_from(moments: Any, moment: DateTime) -> int:
    """Return the place of the first of `moments` (datetime64[us], UTC) at or after `moment`."""
    return int(moments.searchsorted(_naive(moment), side="left"))


def _first_after(moments: Any, moment: DateTime) -> int:
    return int(moments.searchsorted(_naive(moment), side="right"))


def _naive(moment: DateTime) -> Any:
    import numpy as np

    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def _moment(value: Any) -> DateTime:
    return pendulum.instance(value.item(), tz="UTC")


class SessionTimetablePlugin(AirflowPlugin):
    """Make the timetable known to Airflow's scheduler."""

    name = "session_timetable"
    timetables = [SessionTimetable]
