"""The outbox keeps one intent per alert and channel through its states, on the disk."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from lake.alerts.alert import Alert
from lake.errors import StoreUnavailable
from lake.notify.outbox import Outbox
from lake.notify.outcome import Outcome
from lake.notify.transitions import Claim, Intent, Terms, Verdict
from tests.notifications import NOON, alert

SINGLY = Terms(at_once=100, allowance=100)
LATER = NOON + timedelta(minutes=1)
SENT, FAILED, UNCERTAIN = Outcome("sent", "ok"), Outcome("failed", "no"), Outcome("uncertain", "who knows")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.sqlite")
    yield box
    box.close()


def add(box: Outbox, *alerts: Alert, cooldown: timedelta | None = None, channel: str = "a") -> int:
    return box.add([Intent(channel, each, NOON, cooldown) for each in alerts], NOON)


def claim(box: Outbox, terms: Terms = SINGLY, channel: str = "a") -> list[Claim]:
    return box.claim(channel, terms, LATER)


def settle(box: Outbox, claims: list[Claim], outcome: Outcome, again: bool = True) -> None:
    box.settle([Verdict(each, outcome, LATER if again else None) for each in claims], LATER)


def states(box: Outbox) -> list[str]:
    return [row["state"] for row in box.intents()]


def events(box: Outbox) -> list[tuple[str, int]]:
    return [(event["event"], event["attempt"]) for event in box.events(1_000)]


def test_an_alert_is_taken_once_per_channel(outbox: Outbox) -> None:
    assert add(outbox, alert(0), alert(1)) == 2
    assert add(outbox, alert(1), alert(0)) == 0
    assert add(outbox, alert(0), channel="b") == 1


def test_a_claim_is_nobody_elses(outbox: Outbox) -> None:
    add(outbox, alert())
    assert len(claim(outbox)) == 1 and claim(outbox) == [] and states(outbox) == ["sending"]


def test_two_processes_see_each_others_work(outbox: Outbox) -> None:
    other = Outbox(outbox.path)
    add(outbox, alert())
    assert add(other, alert()) == 0
    claims = claim(other)
    assert claim(outbox) == []
    settle(other, claims, SENT)
    other.close()
    assert states(outbox) == ["sent"]


def test_what_is_not_due_yet_waits(outbox: Outbox) -> None:
    outbox.add([Intent("a", alert(), LATER + timedelta(seconds=1))], NOON)
    assert claim(outbox) == []


def test_every_step_is_an_event_once(outbox: Outbox) -> None:
    add(outbox, alert())
    settle(outbox, claim(outbox), FAILED)
    settle(outbox, claim(outbox), FAILED, again=False)
    outbox.resend(LATER)
    settle(outbox, claim(outbox), SENT)
    expected = [("intended", 0), ("failed", 1), ("failed", 2), ("given_up", 2), ("intended", 2), ("sent", 3)]
    assert events(outbox) == expected
    first = outbox.events(2)
    outbox.forget(event["event_id"] for event in first)
    assert events(outbox) == expected[2:]


def test_news_of_a_rule_and_symbol_within_the_cooldown_is_kept_and_not_sent(outbox: Outbox) -> None:
    half_an_hour = timedelta(minutes=30)
    assert add(outbox, alert(0), alert(5), alert(6), cooldown=half_an_hour) == 2
    assert states(outbox) == ["intended", "skipped", "intended"]
    assert add(outbox, alert(5, symbol="MSFT"), alert(5, rule="ema_cross"), cooldown=half_an_hour) == 2


def test_the_cooldown_is_on_the_bars_time_in_any_order_of_arrival(outbox: Outbox) -> None:
    assert add(outbox, alert(6), cooldown=timedelta(minutes=30)) == 1
    assert add(outbox, alert(3), cooldown=timedelta(minutes=30)) == 0
    assert add(outbox, alert(0), cooldown=timedelta(minutes=30)) == 1


def test_what_a_correction_took_back_is_not_sent_unless_it_holds_again(outbox: Outbox) -> None:
    add(outbox, alert())
    assert outbox.withdraw([alert().alert_id], NOON) == 1
    assert claim(outbox) == [] and states(outbox) == ["withdrawn"]
    assert add(outbox, alert()) == 1 and len(claim(outbox)) == 1


def test_a_message_of_a_dead_sender_is_sent_again_once(outbox: Outbox) -> None:
    add(outbox, alert())
    (first,) = claim(outbox)
    assert outbox.recover("a", False, LATER) == 1
    (second,) = claim(outbox)
    assert second.message_id == first.message_id and second.is_repeat and not first.is_repeat
    outbox.recover("a", False, LATER)
    assert claim(outbox) == [] and states(outbox) == ["given_up"]
    assert events(outbox) == [("intended", 0), ("interrupted", 1), ("interrupted", 2), ("given_up", 2)]


def test_a_recipient_that_knows_repeats_gets_it_until_it_is_through(outbox: Outbox) -> None:
    add(outbox, alert())
    for _ in range(5):
        (again,) = claim(outbox)
        outbox.recover("a", True, LATER)
    settle(outbox, claim(outbox), SENT)
    assert again.is_repeat and states(outbox) == ["sent"]


def test_what_may_have_arrived_stays_a_repeat_and_keeps_its_id(outbox: Outbox) -> None:
    add(outbox, *(alert(number) for number in range(3)))
    together = Terms(at_once=1, allowance=1, together=10)
    (first,) = claim(outbox, together)
    settle(outbox, [first], UNCERTAIN)
    add(outbox, alert(7))
    (second,) = claim(outbox, Terms(at_once=1, allowance=5, together=10))
    assert second.is_repeat and second.message_id == first.message_id and second.entries == first.entries
    settle(outbox, [second], FAILED)
    (third, fresh) = claim(outbox, Terms(at_once=9, allowance=9, together=10))
    assert third.is_repeat and not fresh.is_repeat and len(fresh.entries) == 1


def test_more_than_allowed_go_together_and_a_digest_always_does(outbox: Outbox) -> None:
    add(outbox, *(alert(number) for number in range(5)))
    assert claim(outbox, Terms(at_once=1, allowance=0, together=10)) == []
    (digest,) = claim(outbox, Terms(at_once=1, allowance=9, together=10, is_digest=True))
    assert len(digest.entries) == 5
    add(outbox, *(alert(number) for number in range(5, 12)))
    (group,) = claim(outbox, Terms(at_once=1, allowance=6, together=3))
    assert [entry.alert for entry in group.entries] == [alert(5), alert(6), alert(7)]


def test_in_quiet_hours_others_wait(outbox: Outbox) -> None:
    add(outbox, alert(0), alert(1, severity="critical"))
    (loud,) = claim(outbox, Terms(at_once=9, allowance=9, severities=frozenset({"critical"})))
    assert loud.entries[0].alert.severity == "critical" and states(outbox) == ["intended", "sending"]


def test_what_was_seen_is_not_sent_any_more(outbox: Outbox) -> None:
    add(outbox, alert(0))
    settle(outbox, claim(outbox), SENT)
    add(outbox, alert(0), channel="b")
    assert outbox.acknowledge(alert(0).alert_id, LATER) and not outbox.acknowledge(alert(0).alert_id, LATER)
    assert states(outbox) == ["acknowledged"] * 2 and claim(outbox, channel="b") == []
    acknowledged = [event for event in outbox.events(100) if event["event"] == "acknowledged"]
    assert [event["channel"] for event in acknowledged] == ["b", ""]


def test_messages_for_a_channel_that_is_gone_are_given_up_visibly(outbox: Outbox) -> None:
    add(outbox, alert(0))
    add(outbox, alert(0), channel="b")
    assert outbox.abandon(["a"], LATER) == 1
    (row,) = outbox.intents(["given_up"])
    assert row["channel"] == "b" and row["detail"] == "conf/channels.yaml has no channel b"


def test_a_hold_ends(outbox: Outbox) -> None:
    outbox.hold("a", LATER)
    assert outbox.is_held("a", NOON) and not outbox.is_held("a", LATER) and not outbox.is_held("b", NOON)


def test_a_late_receipt_does_not_undo_what_a_person_asked_for(outbox: Outbox) -> None:
    add(outbox, alert())
    claims = claim(outbox)
    outbox.recover("a", True, LATER)
    outbox.resend(LATER)
    settle(outbox, claims, FAILED, again=False)
    assert states(outbox) == ["intended"]


def test_an_outbox_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_text("no database, but long enough to be looked at as one" * 10)
    with pytest.raises(StoreUnavailable, match=r"expected to read and write the outbox .*outbox\.sqlite"):
        Outbox(tmp_path / "outbox.sqlite")


def test_a_repeat_keeps_its_id_though_one_of_its_alerts_was_seen_meanwhile(outbox: Outbox) -> None:
    add(outbox, *(alert(number) for number in range(3)))
    (first,) = claim(outbox, Terms(at_once=1, allowance=1, together=10))
    settle(outbox, [first], UNCERTAIN)
    outbox.acknowledge(alert(1).alert_id, LATER)
    (second,) = claim(outbox)
    assert second.message_id == first.message_id and len(second.entries) == 2


def test_a_repeat_counts_among_the_messages_that_are_allowed(outbox: Outbox) -> None:
    add(outbox, alert(0))
    settle(outbox, claim(outbox), UNCERTAIN)
    add(outbox, alert(1), alert(2))
    claims = claim(outbox, Terms(at_once=9, allowance=2, together=10))
    assert [len(each.entries) for each in claims] == [1, 2]
