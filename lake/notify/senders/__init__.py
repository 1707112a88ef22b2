"""One way to send a message per module: a local file, email, a webhook, chats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lake.errors import BadConfiguration
from lake.notify.channels import Channel
from lake.notify.outcome import Sender
from lake.notify.secrets import Secret
from lake.notify.senders.chat import ChatSender
from lake.notify.senders.email import EmailSender
from lake.notify.senders.file import FileSender
from lake.notify.senders.webhook import WebhookSender

__all__ = ["sender_of"]

_KINDS: dict[str, Callable[[Channel, Secret], Sender]] = {
    "email": EmailSender,
    "webhook": WebhookSender,
    "chat": ChatSender,
}


def sender_of(channel: Channel, local_folder: Path) -> Sender:
    """Return what sends the messages of a channel.

    Raises:
        BadConfiguration: its address cannot be used.
    """
    if channel.address is None:
        return FileSender(local_folder / "_messages" / "alerts.log")
    try:
        return _KINDS[channel.kind](channel, channel.address)
    except BadConfiguration as error:
        raise BadConfiguration(channel.address.redact(f"channel {channel.name}: {error}")) from None
