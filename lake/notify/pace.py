"""When messages may go: digests, quiet hours, messages a minute, and the distance between tries."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from lake.notify.channels import Channel
from lake.notify.outcome import Outcome
from lake.notify.transitions import Claim, Terms

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
"""Tries lie these far apart at first and at most; each wait is twice the one before, less a share."""

LINE = 480
"""Characters that one alert takes in a message about several, at most."""

MOST_TOGETHER = 100
AT_ONCE = 200
"""Lines of a file that are written between two receipts; other channels get one for each message."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def due_at(channel: Channel, now: datetime) -> datetime:
    """Return from when an alert may be sent: at once, or at the end of the digest's span."""
    if not channel.digest:
        return now
    return _EPOCH + -((_EPOCH - now) // channel.digest) * channel.digest


def terms_for(channel: Channel, longest_text: int, started: int, now: datetime) -> Terms:
    """Return how due alerts become messages now, after `started` messages in the last minute."""
    quiet = channel.quiet_hours
    severities = quiet.let_through if quiet and quiet.cover(now) else None
    if channel.messages_per_minute is None:
        return Terms(at_once=AT_ONCE, allowance=AT_ONCE, severities=severities)
    return Terms(
        at_once=1,
        allowance=max(channel.messages_per_minute - started, 0),
        together=max(min(longest_text // LINE, MOST_TOGETHER), 1),
        is_digest=channel.digest is not None,
        severities=severities,
    )


def again_at(channel: Channel, claim: Claim, outcome: Outcome, now: datetime) -> datetime | None:
    """Return when a message that was not sent is tried again, or None where it was given up."""
    if claim.tries >= channel.attempts:
        return None
    return now + max(wait(claim.message_id, claim.tries), outcome.retry_after or timedelta())


def wait(message_id: str, tries: int) -> timedelta:
    """Return the time to the next try: it doubles, and differs from message to message.

    The share that is taken off comes from the message's id, so that it needs no chance.
    """
    longest = min(FIRST_WAIT * (1 << min(tries - 1, 20)), LONGEST_WAIT)
    digest = hashlib.sha256(f"{message_id}\x1f{tries}".encode()).digest()
    return longest * (0.5 + digest[0] / 512)
