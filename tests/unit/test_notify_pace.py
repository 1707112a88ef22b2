"""Quiet hours, digests, messages a minute and tries hold by the clock that is passed in."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lake.notify.channels import Channel
from lake.notify.outcome import Outcome
from lake.notify.pace import FIRST_WAIT, LONGEST_WAIT, again_at, due_at, terms_for, wait
from lake.notify.quiet import QuietHours
from lake.notify.transitions import Claim
from tests.notifications import NOON

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("begins", "ends", "moment", "covered"),
    [
        ("22:00", "07:00", "2026-11-20 21:59", False),
        ("22:00", "07:00", "2026-11-20 22:00", True),
        ("22:00", "07:00", "2026-11-21 06:59", True),
        ("22:00", "07:00", "2026-11-21 07:00", False),
        ("12:00", "13:00", "2026-11-20 12:30", True),
        ("12:00", "13:00", "2026-11-20 13:00", False),
        ("22:00", "07:00", "2026-03-08 03:30", True),  # the clock was put forward that night
        ("01:30", "03:00", "2026-03-08 03:00", False),
    ],
)
def test_quiet_hours_are_those_of_the_zone(begins: str, ends: str, moment: str, covered: bool) -> None:
    hours = QuietHours(time.fromisoformat(begins), time.fromisoformat(ends), NEW_YORK)
    now = datetime.fromisoformat(moment).replace(tzinfo=NEW_YORK).astimezone(UTC)
    assert hours.cover(now) is covered


def test_in_quiet_hours_only_what_is_let_through_may_go() -> None:
    hours = QuietHours(time(11), time(13), NEW_YORK, frozenset({"critical"}))
    channel = Channel("a", "email", quiet_hours=hours)
    assert terms_for(channel, 1_000, 0, NOON).severities == {"critical"}
    assert terms_for(channel, 1_000, 0, NOON + timedelta(hours=3)).severities is None


def test_a_digest_is_due_at_the_end_of_its_span() -> None:
    channel = Channel("a", "email", digest=timedelta(minutes=15))
    assert due_at(channel, NOON) == NOON
    assert due_at(channel, NOON + timedelta(seconds=1)) == NOON + timedelta(minutes=15)
    assert due_at(channel, NOON + timedelta(minutes=15)) == NOON + timedelta(minutes=15)
    assert due_at(Channel("a", "email"), NOON + timedelta(seconds=1)) == NOON + timedelta(seconds=1)


def test_of_the_messages_a_minute_those_that_went_are_gone() -> None:
    channel = Channel("a", "email", messages_per_minute=5)
    assert [terms_for(channel, 1_000, started, NOON).allowance for started in (0, 4, 5, 9)] == [5, 1, 0, 0]


def test_waits_double_up_to_the_longest_and_differ_from_message_to_message() -> None:
    for tries in range(1, 30):
        full = min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT)
        waits = [wait(f"message {number}", tries) for number in range(200)]
        assert all(full / 2 <= each < full for each in waits)
        assert len(set(waits)) > 50
    assert wait("message", 3) == wait("message", 3)


def test_a_recipient_that_asks_for_more_time_gets_it_and_a_dead_one_is_given_up() -> None:
    channel = Channel("a", "email", attempts=3)
    asked = Outcome("failed", "429", timedelta(hours=1))
    assert again_at(channel, Claim("m", (), False, 2), asked, NOON) == NOON + timedelta(hours=1)
    assert again_at(channel, Claim("m", (), False, 3), asked, NOON) is None
