"""Chats get plain text through Apprise, and its yes or no becomes a receipt."""

from collections.abc import Iterator

import pytest
from apprise import Apprise
from apprise.plugins.telegram import NotifyTelegram

from lake.notify.channels import parse_channels
from lake.notify.message import Entry, Message, compose
from lake.notify.outcome import Sender
from lake.notify.senders import sender_of
from tests.mailboxes import HookServer, hook_server
from tests.notifications import CHECKOUT, NOON, alert

TOKEN = "123456789:abcdefghijklmnopqrstuvwxyz_ABCDEFGH"


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with hook_server() as server:
        yield server


def chat(address: str) -> Sender:
    text = "chat:\n  kind: chat\n  address: ${CHAT_URL}\n"
    return sender_of(parse_channels(text, (), {"CHAT_URL": address})["chat"], CHECKOUT)


def message(**changes: str) -> Message:
    return compose("m", [Entry("n", alert(**changes))], {}, NOON)


@pytest.fixture
def telegram(hook: HookServer, monkeypatch: pytest.MonkeyPatch) -> Sender:
    monkeypatch.setattr(NotifyTelegram, "notify_url", hook.url("/bot"))
    return chat(f"tgram://{TOKEN}/42")


@pytest.mark.parametrize("symbol", ["BTC-USD", "BRK.B", "^GSPC", "A_B*C[D](E)`F`", "@everyone"])
def test_telegram_takes_no_mark_of_a_symbol_for_markup(
    telegram: Sender, hook: HookServer, symbol: str
) -> None:
    assert telegram.send(message(symbol=symbol, reason="1 < 2 & <b>3</b> > 2")).kind == "sent"
    ((_, body),) = hook.requests
    assert (
        symbol.replace("@", "@\u200b") in body["text"]
        and "1 &lt; 2 &amp; &lt;b&gt;3&lt;/b&gt; &gt; 2" in body["text"]
    )
    assert body["parse_mode"] == "HTML" and body["chat_id"] == 42


@pytest.mark.parametrize(
    ("answer", "kind"), [(400, "failed"), (429, "failed"), (500, "failed"), ("reset", "uncertain")]
)
def test_a_refusal_and_a_lost_answer_are_told_apart_and_tell_no_token(
    telegram: Sender, hook: HookServer, answer: int | str, kind: str
) -> None:
    hook.answers = [answer]
    outcome = telegram.send(message())
    assert outcome.kind == kind and outcome.detail
    assert not any(part in outcome.detail for part in (TOKEN, *TOKEN.split(":")))


def test_ntfy_gets_the_text_as_it_is(hook: HookServer) -> None:
    sender = chat(f"ntfy://127.0.0.1:{hook.port}/alerts")
    assert sender.send(message(reason="*bold* _not_")).kind == "sent"
    ((_, body),) = hook.requests
    assert body["topic"] == "alerts" and "*bold* _not_" in body["message"]
    assert "markdown" not in body


def test_a_fault_inside_apprise_is_the_channels_failure(
    telegram: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError(f"in {TOKEN}")

    monkeypatch.setattr(Apprise, "notify", fail)
    outcome = telegram.send(message())
    assert (
        outcome.kind == "uncertain" and outcome.detail == "the service's plugin failed with ZeroDivisionError"
    )
