"""Messages to Telegram, Slack, Discord, ntfy and whatever else Apprise reaches."""

from __future__ import annotations

import re

from apprise import NotifyFormat, NotifyType

from lake.errors import BadConfiguration
from lake.notify.channels import Channel
from lake.notify.message import Message
from lake.notify.outcome import Outcome
from lake.notify.secrets import Secret
from lake.notify.senders.address import heard, opened
from lake.notify.text import one_line

_OTHER_KINDS = {
    "mailto": "email", "mailtos": "email",
    "json": "webhook", "jsons": "webhook", "xml": "webhook", "xmls": "webhook",
    "form": "webhook", "forms": "webhook",
}  # fmt: skip
_TYPES = {"info": NotifyType.INFO, "warning": NotifyType.WARNING, "critical": NotifyType.FAILURE}
_ANSWERED = re.compile(r"error=\d{3}|\b[45]\d\d\b")
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
        self._plugin = opened(address, (), "tgram://token/chat or ntfys://host/topic")
        if (targets := len(self._plugin)) != 1:
            raise BadConfiguration(
                f"expected one target and no retry in {address.name}, found {targets}; "
                "write a channel for each, so that each has its own receipt"
            )
        self.longest_text = max(int(self._plugin.body_maxlen) - _MARGIN, 200)

    def send(self, message: Message) -> Outcome:
        """Send one message and say whether the service took it."""
        with heard() as said:
            try:
                was_taken = self._plugin.notify(
                    body=message.text,
                    title=message.subject,
                    notify_type=_TYPES.get(message.severity, NotifyType.INFO),
                    body_format=NotifyFormat.TEXT,
                )
            except Exception as error:
                # A fault inside one service is that channel's failure; its text could hold the address.
                return Outcome("uncertain", f"the service's plugin failed with {type(error).__name__}")
        if was_taken:
            return Outcome("sent", "taken")
        reason = one_line(self._secret.redact("; ".join(said)), 200) or "refused without a reason"
        # Without a status the service may have taken the message before the connection broke.
        return Outcome("failed" if _ANSWERED.search(reason) else "uncertain", reason)
