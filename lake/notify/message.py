"""What a message says: plain text about one alert, or about several in one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from lake.alerts.alert import Alert
from lake.market.timeframes import kind_of
from lake.notify.text import one_line

TEST = "TEST, no alert"
REPEAT = "possible repeat"
"""What a message is marked with where an earlier sending of it may have arrived."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a message says of a symbol besides its alert."""

    name: str | None = None
    currency: str | None = None
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert of a message, under the id that its delivery has."""

    notification_id: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to be sent. The same `message_id` always stands for the same alerts."""

    message_id: str
    subject: str
    text: str
    severity: str
    entries: tuple[Entry, ...]
    is_repeat: bool
    written_at: datetime


def message_id_of(notification_ids: Sequence[str], round_number: int = 0) -> str:
    """Return the id of a message: that of its only alert's notification, or a hash of several.

    `round_number` counts how often a person asked for the message again: that is another message.
    """
    if len(notification_ids) == 1 and not round_number:
        return notification_ids[0]
    fields = "\x1f".join([*sorted(notification_ids), str(round_number)])
    return hashlib.sha256(fields.encode()).hexdigest()


def compose(
    message_id: str,
    entries: Sequence[Entry],
    listings: Mapping[str, Listing],
    written_at: datetime,
    is_repeat: bool = False,
    says_so: bool = True,
) -> Message:
    """Return the message about one alert, or about several with a line for each.

    A repeat is marked as one unless the recipient would not notice it.
    """
    is_marked = is_repeat and says_so
    mark = f"[{REPEAT}] " if is_marked else ""
    alerts = [entry.alert for entry in entries]
    listed = [listings.get(alert.symbol, Listing()) for alert in alerts]
    if len(alerts) == 1:
        subject, body = headline(alerts[0], listed[0]), _paragraphs(alerts[0], listed[0])
    else:
        subject = f"{len(alerts)} alerts: {_symbols(alerts)}"
        body = [
            f"- {headline(alert, each)}: {one_line(alert.reason, 200)}"
            for alert, each in zip(alerts, listed, strict=True)
        ]
    note = [f"This may have reached you before: its sending was interrupted ({REPEAT})."] if is_marked else []
    return Message(
        message_id=message_id,
        subject=one_line(mark + subject, 200),
        text="\n".join([*body, *note]),
        severity=_gravest(alerts),
        entries=tuple(entries),
        is_repeat=is_repeat,
        written_at=written_at,
    )


def trial_message(channel: str, written_at: datetime) -> Message:
    """Return a message that says it is a test."""
    moment = f"{written_at:%Y-%m-%dT%H:%M:%S.%fZ}"
    return Message(
        message_id=hashlib.sha256(f"test\x1f{channel}\x1f{moment}".encode()).hexdigest(),
        subject=f"[{TEST}] channel {channel}",
        text=f"This is a test of channel {channel}, sent {moment}. If you can read it, alerts will arrive.",
        severity="info",
        entries=(),
        is_repeat=False,
        written_at=written_at,
    )


def headline(alert: Alert, listing: Listing) -> str:
    """Return one line that says what happened to which symbol, when, and at what price."""
    is_plain = alert.variant in (alert.side, alert.level_id)
    what = alert.rule if is_plain else f"{alert.rule} {alert.variant}"
    side = "" if alert.side == "neutral" else f" ({alert.side})"
    place = f"{_price(alert.price, listing)}, {_bar_time(alert, listing)}"
    return one_line(f"{alert.symbol} {alert.timeframe} {what}{side} at {place}", 240)


def _paragraphs(alert: Alert, listing: Listing) -> list[str]:
    company = f" ({one_line(listing.name, 80)})" if listing.name else ""
    lines = [
        one_line(f"{alert.symbol}{company}"),
        one_line(f"Rule: {alert.rule}, {alert.side}, {alert.severity}"),
        f"Reason: {one_line(alert.reason)}",
        f"Price: {_price(alert.price, listing)}",
        f"Bar: {alert.timeframe}, {_bar_time(alert, listing)}",
        *_level(alert, listing),
        f"Alert: {alert.alert_id}",
    ]
    return [line for line in lines if not line.endswith(": ")]


def _level(alert: Alert, listing: Listing) -> list[str]:
    price = alert.values.get("level")
    if price is None or not alert.price:
        return []
    distance = abs(alert.price - price) / alert.price
    where = "below" if price < alert.price else "above"
    return [f"Level: {_price(price, listing)}, {distance:.2%} {where} the price"]


def _price(price: float, listing: Listing) -> str:
    digits = 2 if abs(price) >= 1 else 4
    return f"{price:,.{digits}f}" + (f" {one_line(listing.currency, 8)}" if listing.currency else "")


def _bar_time(alert: Alert, listing: Listing) -> str:
    """Return the bar in the exchange's time: a date for a day, else from when to when."""
    zone = listing.zone
    closed = alert.closes_at.astimezone(zone)
    if kind_of(alert.timeframe) != "intraday":
        return f"closed {closed:%Y-%m-%d %H:%M %Z}"
    return f"{alert.ts.astimezone(zone):%Y-%m-%d %H:%M}-{closed:%H:%M %Z}"


def _symbols(alerts: Sequence[Alert]) -> str:
    names = list(dict.fromkeys(alert.symbol for alert in alerts))
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _gravest(alerts: Sequence[Alert]) -> str:
    found = {alert.severity for alert in alerts}
    return next((severity for severity in ("critical", "warning") if severity in found), "info")
