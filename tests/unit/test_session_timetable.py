"""The timetable of plugins/, asked as Airflow's scheduler asks."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from tests.stacks import CHECKOUT


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Return the plugin, imported with an Airflow home of its own."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Airflow's own imports warn of is not ours
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.setenv("AIRFLOW__CORE__PLUGINS_FOLDER", str(CHECKOUT / "plugins"))
        patch.syspath_prepend(str(CHECKOUT / "plugins"))
        yield importlib.import_module("session_timetable")
        sys.modules.pop("session_timetable")


Ask = Callable[..., tuple[str, str, str] | None]


@pytest.fixture
def ask(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that asks for the next run: (open, close, due) as texts, or None."""

    def next_run(
        now: str,
        last: tuple[str, str] | None = None,
        earliest: str | None = None,
        latest: str | None = None,
        catchup: bool = False,
        exchange: str = "XNYS",
    ) -> tuple[str, str, str] | None:
        from airflow.timetables.base import DataInterval, TimeRestriction

        monkeypatch.setattr(module, "utcnow", lambda: _utc(now))
        found = module.SessionTimetable(exchange).next_dagrun_info(
            last_automated_data_interval=DataInterval(*map(_utc, last)) if last else None,
            restriction=TimeRestriction(
                earliest and _utc(earliest),  # type: ignore[arg-type]
                latest and _utc(latest),  # type: ignore[arg-type]
                catchup,
            ),
        )
        if found is None:
            return None
        return _text(found.data_interval.start), _text(found.data_interval.end), _text(found.run_after)

    return next_run


def _utc(text: str) -> Any:
    import pendulum

    return pendulum.instance(datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC))


def _text(moment: Any) -> str:
    assert moment.utcoffset().total_seconds() == 0
    return f"{moment:%Y-%m-%d %H:%M}"


TUESDAY = ("2024-01-02 14:30", "2024-01-02 21:00")
WEDNESDAY = ("2024-01-03 14:30", "2024-01-03 21:00")
FRIDAY = ("2024-01-05 14:30", "2024-01-05 21:00")


def test_a_new_installation_starts_with_the_next_session(ask: Ask) -> None:
    assert ask("2024-01-03 02:00") == (*WEDNESDAY, "2024-01-03 21:30")
    assert ask("2024-01-03 18:00") == (*WEDNESDAY, "2024-01-03 21:30")


def test_a_first_run_stays_due_while_the_file_is_parsed_again(ask: Ask) -> None:
    assert ask("2024-01-03 21:31") == (*WEDNESDAY, "2024-01-03 21:30")
    assert ask("2024-01-03 21:41") == ("2024-01-04 14:30", "2024-01-04 21:00", "2024-01-04 21:30")


def test_a_weekend_has_no_run(ask: Ask) -> None:
    assert ask("2024-01-06 12:00") == ("2024-01-08 14:30", "2024-01-08 21:00", "2024-01-08 21:30")
    assert ask("2024-01-05 22:00", last=FRIDAY) == (
        "2024-01-08 14:30",
        "2024-01-08 21:00",
        "2024-01-08 21:30",
    )


def test_a_holiday_has_no_run(ask: Ask) -> None:
    assert ask("2024-07-04 12:00") == ("2024-07-05 13:30", "2024-07-05 20:00", "2024-07-05 20:30")


def test_a_half_day_is_due_after_its_early_close(ask: Ask) -> None:
    assert ask("2024-07-03 12:00") == ("2024-07-03 13:30", "2024-07-03 17:00", "2024-07-03 17:30")


def test_summer_time_moves_the_hour_in_utc(ask: Ask) -> None:
    assert ask("2024-03-08 12:00") == ("2024-03-08 14:30", "2024-03-08 21:00", "2024-03-08 21:30")
    assert ask("2024-03-09 12:00") == ("2024-03-11 13:30", "2024-03-11 20:00", "2024-03-11 20:30")


def test_after_an_absence_one_run_stands_for_all_missed_sessions(ask: Ask) -> None:
    assert ask("2024-01-06 12:00", last=TUESDAY) == (*FRIDAY, "2024-01-05 21:30")


def test_a_session_that_has_closed_but_is_not_due_yet_waits(ask: Ask) -> None:
    assert ask("2024-01-03 21:10", last=TUESDAY) == (*WEDNESDAY, "2024-01-03 21:30")


def test_catch_up_runs_every_missed_session_in_order(ask: Ask) -> None:
    now = "2024-01-06 12:00"
    assert ask(now, last=TUESDAY, catchup=True) == (*WEDNESDAY, "2024-01-03 21:30")
    assert ask(now, earliest="2024-01-01 00:00", catchup=True) == (*TUESDAY, "2024-01-02 21:30")


def test_catch_up_without_a_start_begins_with_the_next_session(ask: Ask) -> None:
    assert ask("2024-01-03 02:00", catchup=True) == (*WEDNESDAY, "2024-01-03 21:30")


def test_no_run_comes_before_the_start_of_the_dag(ask: Ask) -> None:
    assert ask("2024-01-02 12:00", earliest="2024-01-05 00:00") == (*FRIDAY, "2024-01-05 21:30")
    assert ask("2024-01-09 12:00", last=TUESDAY, earliest="2024-01-01 00:00") == (
        "2024-01-08 14:30",
        "2024-01-08 21:00",
        "2024-01-08 21:30",
    )


def test_no_run_comes_after_the_end_of_the_dag(ask: Ask) -> None:
    assert ask("2024-01-03 12:00", latest="2024-01-03 12:00") is None
    assert ask("2024-01-03 12:00", latest="2024-01-03 14:30") is not None


def test_another_exchange_has_its_own_sessions(ask: Ask) -> None:
    assert ask("2024-07-04 12:00", exchange="XLON") == (
        "2024-07-04 07:00",
        "2024-07-04 15:30",
        "2024-07-04 16:00",
    )


def test_every_session_of_a_year_comes_once_and_in_order(ask: Ask) -> None:
    from lake.market.sessions import calendar

    days = calendar("XNYS").sessions
    wanted = [str(day) for day in days if str(day).startswith("2023")]
    last = ("2022-12-30 14:30", "2022-12-30 21:00")
    for day in wanted:
        found = ask("2024-06-01 00:00", last=last, catchup=True)
        assert found is not None
        assert found[0].startswith(day)
        last = found[:2]


def test_a_run_by_hand_stands_for_the_last_closed_session(module: ModuleType) -> None:
    timetable = module.SessionTimetable()
    for moment in ("2024-01-03 21:00", "2024-01-04 20:59"):
        found = timetable.infer_manual_data_interval(run_after=_utc(moment))
        assert (_text(found.start), _text(found.end)) == WEDNESDAY


def test_it_is_the_same_after_a_trip_through_json(module: ModuleType) -> None:
    timetable = module.SessionTimetable("XLON", minutes_after_close=45)
    again = module.SessionTimetable.deserialize(json.loads(json.dumps(timetable.serialize())))
    assert (again.exchange, again.delay) == (timetable.exchange, timetable.delay)
    assert again.description == "45 minutes after each XLON session closes"
    assert again.summary == "XLON close + 45 min"


def test_the_plugin_registers_it(module: ModuleType) -> None:
    assert module.SessionTimetablePlugin.timetables == [module.SessionTimetable]
