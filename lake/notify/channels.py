"""conf/channels.yaml: where alerts go, parsed into frozen values or refused with file, line and reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lake.alerts.alert import Alert
from lake.errors import BadInput
from lake.features.registry import near
from lake.market.symbols import parse_symbol
from lake.notify.quiet import QuietHours
from lake.notify.secrets import REFERENCE, Secret
from lake.rules.document import Node, parse_document, read_document
from lake.rules.rule import SEVERITIES

Kind = Literal["file", "email", "webhook", "chat"]
KINDS: tuple[Kind, ...] = get_args(Kind)

ATTEMPTS = 12
"""Tries of one message before it is given up, about an hour and a half at the usual distances."""

MESSAGES_A_MINUTE = 10
"""More than these are put together into one message, unless the channel says otherwise."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SPAN = re.compile(r"([1-9]\d{0,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_OPTIONAL = (
    "address", "severities", "rules", "symbols", "cooldown", "quiet_hours", "digest",
    "messages_per_minute", "attempts", "private_network",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to one recipient, which alerts take it, and how many messages a recipient bears.

    Empty filters let everything pass. `cooldown` holds for each rule and symbol on event time, and
    the longer of it and the rule's own counts. With `digest` alerts are collected and go out
    together; `messages_per_minute` is None where every alert is a message of its own.
    """

    name: str
    kind: Kind
    address: Secret | None = None
    severities: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    symbols: frozenset[str] = frozenset()
    cooldown: timedelta | None = None
    quiet_hours: QuietHours | None = None
    digest: timedelta | None = None
    messages_per_minute: int | None = MESSAGES_A_MINUTE
    attempts: int = ATTEMPTS
    private_network: bool = False

    def takes(self, alert: Alert) -> bool:
        """Return whether an alert passes the filters."""
        wanted = (
            (self.severities, alert.severity),
            (self.rules, alert.rule),
            (self.symbols, alert.symbol),
        )
        return all(not names or name in names for names, name in wanted)


def read_channels(
    conf_folder: Path, rules: Collection[str], environment: Mapping[str, str]
) -> dict[str, Channel]:
    """Return the channels of conf/channels.yaml by name; `rules` are those that filters may name.

    Raises:
        BadConfiguration: the file or a channel in it cannot be used; names file and line.
    """
    return _channels(read_document(conf_folder / "channels.yaml"), rules, environment)


def parse_channels(
    text: str, rules: Collection[str], environment: Mapping[str, str], origin: str = "channels"
) -> dict[str, Channel]:
    """Return the channels of YAML text; `origin` names it in refusals.

    Raises:
        BadConfiguration: a channel cannot be used; names origin and line.
    """
    return _channels(parse_document(text, origin), rules, environment)


def _channels(root: Node, rules: Collection[str], environment: Mapping[str, str]) -> dict[str, Channel]:
    channels = root.entries("channels by name")
    return {name: _channel(name, node, rules, environment) for name, node in channels.items()}


def _channel(name: str, node: Node, rules: Collection[str], environment: Mapping[str, str]) -> Channel:
    if not _NAME.fullmatch(name):
        raise node.refusal("a channel's name of a-z, 0-9 and _", repr(name))
    fields = node.fields(("kind",), _OPTIONAL, f"channel {name}")
    kind = next(each for each in KINDS if each == _choice(fields["kind"], KINDS))
    _refuse_strangers(kind, fields, name, node)
    return Channel(
        name=name,
        kind=kind,
        address=_address(fields["address"], environment) if "address" in fields else None,
        severities=_choices(fields, "severities", SEVERITIES),
        rules=_choices(fields, "rules", rules),
        symbols=_symbols(fields["symbols"]) if "symbols" in fields else frozenset(),
        cooldown=_span(fields["cooldown"]) if "cooldown" in fields else None,
        quiet_hours=_quiet_hours(fields["quiet_hours"]) if "quiet_hours" in fields else None,
        digest=_span(fields["digest"]) if "digest" in fields else None,
        messages_per_minute=_messages_per_minute(kind, fields),
        attempts=_count(fields["attempts"], 100) if "attempts" in fields else ATTEMPTS,
        private_network=_is_yes(fields["private_network"]) if "private_network" in fields else False,
    )


def _refuse_strangers(kind: Kind, fields: Mapping[str, Node], name: str, node: Node) -> None:
    """Refuse an option that means nothing for the kind, or a missing address."""
    if kind != "file" and "address" not in fields:
        raise node.refusal(f"channel {name} with an address such as ${{SMTP_URL}}", "none")
    strange = {"file": ("address", "digest", "messages_per_minute", "private_network")}.get(
        kind, () if kind == "webhook" else ("private_network",)
    )
    for option in strange:
        if option in fields:
            raise fields[option].refusal(f"no {option} for a channel of kind {kind}", option)


def _address(node: Node, environment: Mapping[str, str]) -> Secret:
    # What stands here may be a password, so a refusal never repeats it.
    expected = "a reference to the environment such as ${SMTP_URL}, so that no secret stands in the file"
    if not (match := REFERENCE.fullmatch(node.scalar(expected))):
        raise node.refusal(expected, "something else")
    if not (value := environment.get(match[1], "").strip()):
        raise node.refusal(f"{match[1]} in the environment or in .env", "none")
    return Secret(match[1], value)


def _choice(node: Node, allowed: Collection[str]) -> str:
    expected = f"one of {', '.join(allowed)}"
    text = node.scalar(expected)
    if text not in allowed:
        raise node.refusal(expected, f"{text!r}{near(text, list(allowed))}")
    return text


def _choices(fields: Mapping[str, Node], name: str, allowed: Collection[str]) -> frozenset[str]:
    if name not in fields:
        return frozenset()
    return frozenset(_choice(item, allowed) for item in fields[name].items(f"a list of {name}"))


def _symbols(node: Node) -> frozenset[str]:
    found = set()
    for item in node.items("a list of symbols"):
        try:
            found.add(parse_symbol(item.scalar("a symbol")))
        except BadInput as error:
            raise item.refusal("a symbol such as BRK.B", str(error)) from None
    return frozenset(found)


def _span(node: Node) -> timedelta:
    text = node.scalar("a time such as 30m, 4h or 5d")
    if not (match := _SPAN.fullmatch(text)):
        raise node.refusal("a time such as 30m, 4h or 5d", repr(text))
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _count(node: Node, most: int) -> int:
    text = node.scalar("a number")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise node.refusal(f"a whole number from 1 to {most}", repr(text))
    return int(text)


def _is_yes(node: Node) -> bool:
    return _choice(node, ("true", "false")) == "true"


def _messages_per_minute(kind: Kind, fields: Mapping[str, Node]) -> int | None:
    if kind == "file":
        return None
    node = fields.get("messages_per_minute")
    return _count(node, 600) if node else MESSAGES_A_MINUTE


def _quiet_hours(node: Node) -> QuietHours:
    fields = node.fields(("from", "to", "zone"), ("let_through",), "quiet_hours")
    begins, ends = _time_of_day(fields["from"]), _time_of_day(fields["to"])
    if begins == ends:
        raise fields["to"].refusal("another time than from", str(ends))
    text = fields["zone"].scalar("a zone such as America/New_York")
    try:
        zone = ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise fields["zone"].refusal("a zone such as America/New_York", repr(text)) from None
    return QuietHours(begins, ends, zone, _choices(fields, "let_through", SEVERITIES))


def _time_of_day(node: Node) -> time:
    text = node.scalar("a time of day such as 22:00")
    if not _TIME.fullmatch(text):
        raise node.refusal("a time of day such as 22:00", repr(text))
    return time.fromisoformat(text)
