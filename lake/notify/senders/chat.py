"""Messages to Telegram, Slack, Discord, ntfy and whatever else Apprise reaches."""

from __future__ import annotations

import re

from apprise import Apprise, AppriseResult, NotifyFormat, NotifyType

from lake.errors import BadConfiguration
from lake.notify.channels import Channel
from lake.notify.message import Message
from lake.notify.outcome import Outcome
from lake.notify.secrets import Secret
from lake.notify.senders.address import ASSET, heard, opened
from lake.notify.text import one_line

_OTHER_KINDS = {
    "mailto": "email", "mailtos": "email",
    "json": "webhook", "jsons": "webhook", "xml": "webhook", "xmls": "webhook",
    "form": "webhook", "forms": "webhook",
}  # fmt: skip
_TYPES = {"info": NotifyType.INFO, "warning": NotifyType.WARNING, "critical": NotifyType.FAILURE}
_ANSWERED = re.compile(r"error=\d{3}|\(\d{3}\)")
_MARGIN = 400
"""Characters that a service may need for its own marks."""


class ChatSender:
    """Sends each message as plain text through one service of Apprise, to one target."""

    knows_repeats = False

    def __init__(self, channel: Channel, address: Secret) -> None:
        self._secret = address
        scheme = address.value.partition("://")[0].lower()
        if scheme in _OTHER_KINDS:
            raise BadConfiguration(f"expected kind {_OTHER_KINDS[scheme]} for {scheme}://, found kind chat")
        plugin = opened(address, (), "tgram://token/chat or ntfys://host/topic")
        if (targets := len(plugin)) != 1:
            raise BadConfiguration(
                f"expected one target and no retry in {address.name}, found {targets}; "
                "write a channel for each, so that each has its own receipt"
            )
        self.longest_text = max(int(plugin.body_maxlen) - _MARGIN, 200)
        plugin.request_rate_per_sec = 0.0  # how often messages go is the channel's affair
        self._service = Apprise(asset=ASSET)
        self._service.add(plugin)

    def send(self, message: Message) -> Outcome:
        """Send one message and say whether the service took it."""
        with heard():
            try:
                result = self._service.notify(
                    body=_unaddressed(message.text),
                    title=_unaddressed(message.subject),
                    notify_type=_TYPES.get(message.severity, NotifyType.INFO),
                    body_format=NotifyFormat.TEXT,
                )
            except Exception as error:
                # A fault inside one service is that channel's failure; its text could hold the address.
                return Outcome("uncertain", f"the service's plugin failed with {type(error).__name__}")
        if result:
            return Outcome("sent", "taken")
        reason = one_line(self._secret.redact(_reason(result)), 200)
        # Without a status the service may have taken the message before the connection broke.
        return Outcome("failed" if _ANSWERED.search(reason) else "uncertain", reason)


def _unaddressed(text: str) -> str:
    """Return a text in which nothing calls everybody of a room."""
    return text.replace("@", "@\u200b")


def _reason(result: AppriseResult) -> str:
    """Return why a service did not take a message, which Apprise tells in its log alone."""
    said = [entry.message for each in result.results for entry in each.logs() if entry.level != "DEBUG"]
    return "; ".join(said) or f"no reason was given ({result.status.name.lower()})"
