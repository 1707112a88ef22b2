"""No text of an alert ends a header, starts one, or leaves plain text."""

import re
from email import message_from_bytes
from email.policy import SMTP, default

from hypothesis import given, settings
from hypothesis import strategies as st

from lake.notify.message import Entry, Listing, Message, compose
from lake.notify.senders.email import letter_of
from lake.notify.text import one_line
from tests.notifications import NOON, alert

HEADERS = ["Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "MIME-Version",
           "Message-ID", "Subject", "To"]  # fmt: skip
BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00", "\u202e"]
hostile = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *BREAKS,
                "Bcc: all@example.com",
                "Subject: other",
                "\r\n\r\n",
                ".",
                "=?utf-8?q?=0ABcc:?=",
                "=?",
                "?=",
            ]
        ),
        st.text(max_size=30),
    ),
    max_size=12,
).map("".join)


def headers_of(raw: bytes) -> list[str]:
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    return re.findall(r"(?m)^([!-9;-~]+):", head)


def letter(message: Message) -> bytes:
    return letter_of(message, "lake@example.com", "me@example.com").as_bytes(
        policy=SMTP.clone(cte_type="7bit")
    )


@settings(max_examples=1_000)
@given(subject=hostile, text=hostile)
def test_an_email_has_each_header_once_whatever_its_texts(subject: str, text: str) -> None:
    raw = letter(Message("a" * 64, subject, text, "info", (), False, NOON))
    assert sorted(headers_of(raw)) == sorted(HEADERS)
    found = message_from_bytes(raw, policy=default)
    (said,) = found.get_all("Subject")  # folding may double a blank
    assert "".join(said.split()) == "".join(one_line(subject, 200).split())
    assert found["Bcc"] is None and found.get_content_type() == "text/plain"
    assert not found.is_multipart()


@settings(max_examples=300)
@given(rule=hostile, variant=hostile, symbol=hostile, reason=hostile, name=hostile)
def test_an_alert_of_hostile_texts_keeps_to_its_lines(
    rule: str, variant: str, symbol: str, reason: str, name: str
) -> None:
    changes = {"rule": rule, "variant": variant, "symbol": symbol, "reason": reason}
    entry = Entry("n", alert(alert_id="a" * 64, **changes))
    plain = compose("m", [Entry("n", alert(alert_id="a" * 64))], {"AAPL": Listing(name="A")}, NOON)
    message = compose("m", [entry], {symbol: Listing(name=name)}, NOON)
    assert len(message.text.splitlines()) <= len(plain.text.splitlines())
    assert len(message.subject.splitlines()) == 1
    assert sorted(headers_of(letter(message))) == sorted(HEADERS)


@given(hostile)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1 and line == one_line(line)
    assert not any(mark in line for mark in BREAKS)
