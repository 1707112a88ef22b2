"""What every way of sending has in common: it takes a message and says what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from lake.notify.message import Message

ANSWER_SECONDS = 20.0
"""How long a recipient's server may take for each answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try. After `uncertain` nobody can say whether the message arrived.

    `detail` holds no secret. `retry_after` is how long the recipient asked to be left alone.
    """

    kind: Literal["sent", "failed", "uncertain"]
    detail: str
    retry_after: timedelta | None = None


class Sender(Protocol):
    """A way to one recipient."""

    longest_text: int
    """Characters that fit into one message."""

    knows_repeats: bool
    """Whether a message that is sent again under its id changes nothing at the recipient."""

    def send(self, message: Message) -> Outcome:
        """Send a message once and say what came of it; a recipient's failure is no exception."""
        ...
