"""Each alert gives one message, whatever a mail server or a webhook server answers."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest

from lake.notify.notifier import Notifier
from tests.mailboxes import HookServer, MailServer, hook_server, mail_server
from tests.notifications import NOON, Clock, alert, installation, lines, notifier_of

EMAIL = "email:\n  kind: email\n  address: ${SMTP_URL}\n"
HOOK = "hook:\n  kind: webhook\n  address: ${HOOK_URL}\n  private_network: true\n"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with hook_server() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def by_mail(
    tmp_path: Path, clock: Clock, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notifier]:
    settings = installation(tmp_path, EMAIL)
    notifier = notifier_of(settings, clock, monkeypatch, SMTP_URL=mail.url("lake", "pass"))
    yield notifier
    notifier.close()


@pytest.fixture
def by_hook(
    tmp_path: Path, clock: Clock, hook: HookServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notifier]:
    settings = installation(tmp_path, HOOK)
    notifier = notifier_of(settings, clock, monkeypatch, HOOK_URL=hook.url())
    yield notifier
    notifier.close()


def states(notifier: Notifier) -> list[str]:
    return [row["state"] for row in notifier.outbox.intents()]


def test_an_email_says_what_happened_in_plain_text(by_mail: Notifier, mail: MailServer) -> None:
    by_mail.enqueue([alert(severity="critical")])
    assert by_mail.deliver() == 1
    (letter,) = mail.letters()
    assert letter["To"] == "me@example.com" and letter["From"] == "lake@example.com"
    assert letter["Subject"] == "AAPL 5m hammer (bullish) at 189.50, 2026-11-20 15:00-15:05 UTC"
    assert letter.get_content_type() == "text/plain"
    assert "Reason: AAPL made a hammer at 189.5" in letter.get_payload()
    (row,) = by_mail.outbox.intents()
    assert letter["Message-ID"] == f"<{row['notification_id']}@example.com>"
    assert mail.logins == [("lake", "pass")]


def test_what_was_sent_is_not_sent_again(by_mail: Notifier, mail: MailServer) -> None:
    assert by_mail.enqueue([alert(0), alert(1)]) == 2
    by_mail.deliver()
    assert by_mail.enqueue([alert(1), alert(0), alert(2)]) == 1
    by_mail.deliver()
    assert len(mail.raw) == 3 and states(by_mail) == ["sent"] * 3


@pytest.mark.parametrize("answer", ["451 later", "550 no such mailbox", "421 closing"])
def test_a_refused_email_is_sent_later_as_the_same(
    by_mail: Notifier, mail: MailServer, clock: Clock, answer: str
) -> None:
    mail.answers = [answer]
    by_mail.enqueue([alert()])
    assert by_mail.deliver() == 0 and states(by_mail) == ["failed"]
    assert answer in by_mail.unfinished()[0]["detail"]
    assert by_mail.deliver() == 0, "it is not yet time"
    clock.forward(minutes=1)
    assert by_mail.deliver() == 1
    assert len(mail.raw) == 1 and "repeat" not in mail.letters()[0]["Subject"]


def test_an_email_whose_taking_is_unknown_is_sent_again_and_says_so(
    by_mail: Notifier, mail: MailServer, clock: Clock
) -> None:
    mail.answers = ["drop"]
    by_mail.enqueue([alert()])
    by_mail.deliver()
    clock.forward(minutes=1)
    assert by_mail.deliver() == 1
    first, second = mail.letters()
    assert first["Message-ID"] == second["Message-ID"]
    assert "possible repeat" not in first["Subject"] and "[possible repeat]" in second["Subject"]


def test_a_webhook_gets_the_alert_as_json(by_hook: Notifier, hook: HookServer) -> None:
    by_hook.enqueue([alert()])
    assert by_hook.deliver() == 1
    ((headers, body),) = hook.requests
    assert headers["Idempotency-Key"] == body["message_id"] == body["alerts"][0]["notification_id"]
    assert body["alerts"][0]["symbol"] == "AAPL" and body["possible_repeat"] is False


def test_a_webhook_is_left_alone_as_long_as_it_asks(
    by_hook: Notifier, hook: HookServer, clock: Clock
) -> None:
    hook.answers = [(429, {"Retry-After": "600"})]
    by_hook.enqueue([alert(0), alert(1)])
    assert by_hook.deliver() == 0 and len(hook.requests) == 1
    clock.forward(seconds=599)
    assert by_hook.deliver() == 0 and len(hook.requests) == 1
    clock.forward(seconds=2)
    assert by_hook.deliver() == 2
    assert len(set(hook.keys())) == 2 and len(hook.requests) == 3


def test_retry_after_may_be_a_date(by_hook: Notifier, hook: HookServer, clock: Clock) -> None:
    later = format_datetime(NOON.replace(hour=18), usegmt=True)
    hook.answers = [(503, {"Retry-After": later})]
    by_hook.enqueue([alert()])
    by_hook.deliver()
    clock.forward(minutes=59)
    assert by_hook.deliver() == 0
    clock.forward(minutes=2)
    assert by_hook.deliver() == 1


@pytest.mark.parametrize("answer", [500, 404, (302, {"Location": "/elsewhere"})])
def test_a_refusing_webhook_gets_the_message_later(
    by_hook: Notifier, hook: HookServer, clock: Clock, answer: object
) -> None:
    hook.answers = [answer]
    by_hook.enqueue([alert()])
    assert by_hook.deliver() == 0 and len(hook.requests) == 1, "no redirection is followed"
    clock.forward(minutes=1)
    assert by_hook.deliver() == 1
    assert len(set(hook.keys())) == 1 and not hook.requests[1][1]["possible_repeat"]


@pytest.mark.parametrize("answer", ["silent", "reset"])
def test_a_webhook_that_may_have_taken_it_gets_it_again_as_a_possible_repeat(
    by_hook: Notifier, hook: HookServer, clock: Clock, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.answers = [answer]
    by_hook.enqueue([alert()])
    with monkeypatch.context() as impatient:
        impatient.setattr("lake.notify.senders.webhook.ANSWER_SECONDS", 1.0)
        assert by_hook.deliver() == 0
    clock.forward(minutes=1)
    assert by_hook.deliver() == 1
    assert len(hook.requests) == 2 and len(set(hook.keys())) == 1
    assert [body["possible_repeat"] for _, body in hook.requests] == [False, True]


def test_a_dead_webhook_is_given_up_visibly_and_can_be_asked_for_again(
    by_hook: Notifier, hook: HookServer, clock: Clock
) -> None:
    hook.answers = [500] * 12
    by_hook.enqueue([alert()])
    for _ in range(20):
        by_hook.deliver()
        clock.forward(hours=1)
    assert len(hook.requests) == 12 and states(by_hook) == ["given_up"]
    assert by_hook.unfinished()[0]["attempts"] == 12
    assert by_hook.resend() == 1 and by_hook.deliver() == 1
    assert states(by_hook) == ["sent"] and len(hook.requests) == 13


def test_a_broken_channel_stops_after_a_few_failures_and_goes_on_later(
    by_hook: Notifier, hook: HookServer, clock: Clock
) -> None:
    hook.answers = [500] * 3
    by_hook.enqueue([alert(number) for number in range(8)])
    assert by_hook.deliver() == 0 and len(hook.requests) == 3
    assert by_hook.deliver() == 0 and len(hook.requests) == 3
    clock.forward(minutes=2)
    assert by_hook.deliver() == 8 and set(states(by_hook)) == {"sent"}


def test_more_alerts_than_messages_go_together_and_none_is_left_out(
    by_hook: Notifier, hook: HookServer, clock: Clock
) -> None:
    alerts = [alert(number) for number in range(35)]
    by_hook.enqueue(alerts)
    assert by_hook.deliver() == 1
    ((_, body),) = hook.requests
    assert {each["alert_id"] for each in body["alerts"]} == {each.alert_id for each in alerts}
    assert body["title"] == "35 alerts: AAPL" and body["message"].count("\n") == 34
    assert set(states(by_hook)) == {"sent"}


def test_the_minute_after_single_messages_go_again(by_hook: Notifier, hook: HookServer, clock: Clock) -> None:
    by_hook.enqueue([alert(number) for number in range(10)])
    assert by_hook.deliver() == 10
    by_hook.enqueue([alert(10)])
    assert by_hook.deliver() == 0
    clock.forward(seconds=61)
    assert by_hook.deliver() == 1 and len(hook.requests) == 11


def test_channels_do_not_wait_for_one_another(
    tmp_path: Path, hook: HookServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installation(tmp_path, "file:\n  kind: file\n" + HOOK)
    notifier = notifier_of(settings, clock, monkeypatch, HOOK_URL=hook.url())
    hook.answers = [(429, {"Retry-After": "60"})]
    assert notifier.enqueue([alert(0), alert(1)]) == 4
    assert notifier.deliver() == 2 and len(lines(settings)) == 2
    clock.forward(minutes=2)
    assert notifier.deliver() == 2 and len(lines(settings)) == 2
    notifier.close()


def test_a_name_that_leads_into_the_own_network_is_not_called(
    tmp_path: Path, hook: HookServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installation(tmp_path, HOOK.replace("  private_network: true\n", ""))
    address = f"https://localhost:{hook.port}/alerts"
    notifier = notifier_of(settings, clock, monkeypatch, HOOK_URL=address)
    notifier.enqueue([alert()])
    assert notifier.deliver() == 0 and not hook.requests
    assert "expected an address of the public internet" in notifier.unfinished()[0]["detail"]
    notifier.close()


def test_in_quiet_hours_messages_wait_and_then_go_together(
    tmp_path: Path, hook: HookServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = '  quiet_hours: {from: "11:00", to: "13:00", zone: America/New_York, let_through: [critical]}\n'
    settings = installation(tmp_path, HOOK + quiet + "  messages_per_minute: 2\n")
    notifier = notifier_of(settings, clock, monkeypatch, HOOK_URL=hook.url())
    notifier.enqueue([*(alert(number) for number in range(5)), alert(9, severity="critical")])
    assert notifier.deliver() == 1 and hook.requests[0][1]["severity"] == "critical"
    clock.forward(hours=1)
    assert notifier.deliver() == 1 and len(hook.requests[1][1]["alerts"]) == 5
    notifier.close()


def test_a_digest_collects_until_its_time(
    tmp_path: Path, hook: HookServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installation(tmp_path, HOOK + "  digest: 30m\n")
    notifier = notifier_of(settings, clock, monkeypatch, HOOK_URL=hook.url())
    for number in range(3):
        clock.forward(minutes=5)
        notifier.enqueue([alert(number)])
        assert notifier.deliver() == 0
    clock.forward(minutes=15)
    assert notifier.deliver() == 1 and len(hook.requests[0][1]["alerts"]) == 3
    notifier.close()
