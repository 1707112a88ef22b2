"""Messages as emails.

Apprise reads the address, since its mailto:// form knows the providers; the sending is our own,
because Apprise writes a new Message-ID each time and does not say whether the server took the text.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from apprise.plugins.email import NotifyEmail
from apprise.plugins.email.smtp import SMTP_DEFAULT_PORTS

from lake.errors import BadConfiguration
from lake.notify.channels import Channel
from lake.notify.message import Message
from lake.notify.outcome import ANSWER_SECONDS, Outcome
from lake.notify.secrets import Secret
from lake.notify.senders.address import opened
from lake.notify.text import one_line

_POLICY = SMTP.clone(cte_type="7bit")
_START_OF_LINE_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, slots=True)
class _Mailbox:
    """Where an email goes and through which server."""

    host: str
    port: int
    mode: str
    user: str | None
    password: str | None
    sender: str
    recipient: str


class _Refused(Exception):
    """The server did not take the message, and said so before it had it, or instead of taking it."""


class EmailSender:
    """Sends each message as one email in plain text, with the message's id as its Message-ID."""

    longest_text = 100_000
    knows_repeats = False

    def __init__(self, channel: Channel, address: Secret) -> None:
        self._secret = address
        self._mailbox = _mailbox(address)

    def send(self, message: Message) -> Outcome:
        """Send one email and say whether the server took it."""
        letter = letter_of(message, self._mailbox.sender, self._mailbox.recipient)
        try:
            answer = self._handed_over(letter)
        except _Uncertain as error:
            return Outcome("uncertain", self._said(error))
        except (_Refused, OSError, smtplib.SMTPException, ssl.SSLError) as error:
            return Outcome("failed", self._said(error))
        return Outcome("sent", self._said(answer))

    def _handed_over(self, letter: EmailMessage) -> str:
        box = self._mailbox
        server = _connected(box)
        try:
            if box.mode == "starttls":
                server.starttls(context=ssl.create_default_context())
            if box.user and box.password:
                server.login(box.user, box.password)
            server.ehlo_or_helo_if_needed()
            _expect(server.mail(box.sender), 250)
            _expect(server.rcpt(box.recipient), 250, 251)
            _expect(server.docmd("DATA"), 354)
            return _take_text(server, letter)
        finally:
            # Whatever the server says to a farewell, the message was taken or refused before it.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()

    def _said(self, said: object) -> str:
        return one_line(self._secret.redact(str(said)), 200) or type(said).__name__


def _connected(box: _Mailbox) -> smtplib.SMTP:
    if box.mode == "ssl":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(box.host, box.port, timeout=ANSWER_SECONDS, context=context)
    return smtplib.SMTP(box.host, box.port, timeout=ANSWER_SECONDS)


class _Uncertain(Exception):
    """The connection ended after the text was sent and before the server answered."""


def _take_text(server: smtplib.SMTP, letter: EmailMessage) -> str:
    text = _START_OF_LINE_DOT.sub(b"..", letter.as_bytes(policy=_POLICY))
    try:
        server.send(text + b".\r\n")
        code, answer = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise _Uncertain(f"no answer after the text was sent: {error}") from error
    _expect((code, answer), 250)
    return f"{code} {answer.decode(errors='replace')}"


def _expect(reply: tuple[int, bytes], *codes: int) -> None:
    code, answer = reply
    if code not in codes:
        raise _Refused(f"the server answered {code} {answer.decode(errors='replace')}")


def letter_of(message: Message, sender: str, recipient: str) -> EmailMessage:
    """Return a message as an email."""
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = sender
    letter["To"] = recipient
    letter["Subject"] = _in_a_header(message.subject)
    letter["Message-ID"] = f"<{message.message_id}@{sender.rpartition('@')[2]}>"
    letter["Date"] = message.written_at
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    return letter


def _in_a_header(text: str) -> str:
    """Return a text that ends no header, not even once a reader, or our own library, has decoded it."""
    return one_line(text, 200).replace("=?", "= ?")


def _mailbox(secret: Secret) -> _Mailbox:
    plugin = opened(secret, ("mailto", "mailtos"), "mailtos://user:password@host?from=A&to=B")
    if not isinstance(plugin, NotifyEmail):
        raise BadConfiguration("expected an address of a mail server, found another service")
    people = [str(address) for _, address in plugin.targets]
    if len(people) != 1 or plugin.cc or plugin.bcc:
        raise BadConfiguration(
            f"expected one recipient, found {len(people) + len(plugin.cc) + len(plugin.bcc)}; "
            "write a channel for each, so that each has its own receipt"
        )
    return _Mailbox(
        host=plugin.smtp_host,
        port=int(plugin.port or SMTP_DEFAULT_PORTS[str(plugin.secure_mode)]),
        mode=str(getattr(plugin.secure_mode, "value", plugin.secure_mode)),
        user=plugin.user,
        password=plugin.password,
        sender=_plain(str(plugin.from_addr[1])),
        recipient=_plain(people[0]),
    )


def _plain(address: str) -> str:
    """Return an address that is one and nothing more, or refuse it."""
    try:
        return Address(addr_spec=address).addr_spec
    except (ValueError, IndexError) as error:
        raise BadConfiguration("expected an email address such as me@example.com, found none") from error
