"""What the outbox's transactions do: each function works on an open transaction."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lake.alerts.alert import Alert, decode, encode
from lake.feed.times import micros
from lake.notify.message import Entry, message_id_of
from lake.notify.outcome import Outcome

MOST_DUE = 1_000
"""Intents that are looked at when messages are put together."""

SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS intents (
        notification_id TEXT PRIMARY KEY,
        alert_id TEXT NOT NULL,
        channel TEXT NOT NULL,
        rule TEXT NOT NULL,
        symbol TEXT NOT NULL,
        severity TEXT NOT NULL,
        closes_at INTEGER NOT NULL,
        alert BLOB NOT NULL,
        state TEXT NOT NULL,
        due_at INTEGER NOT NULL,
        started_at INTEGER,
        changed_at INTEGER NOT NULL,
        message_id TEXT,
        is_uncertain INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        tries INTEGER NOT NULL DEFAULT 0,
        deaths INTEGER NOT NULL DEFAULT 0,
        round INTEGER NOT NULL DEFAULT 0,
        detail TEXT NOT NULL DEFAULT '',
        UNIQUE (alert_id, channel)
    ) STRICT
    """,
    "CREATE INDEX IF NOT EXISTS intents_by_state ON intents (channel, state, due_at)",
    "CREATE INDEX IF NOT EXISTS intents_by_rule ON intents (channel, rule, symbol, closes_at)",
    "CREATE INDEX IF NOT EXISTS intents_by_start ON intents (channel, started_at)",
    """
    CREATE TABLE IF NOT EXISTS events (
        event_id INTEGER PRIMARY KEY AUTOINCREMENT,
        notification_id TEXT NOT NULL,
        alert_id TEXT NOT NULL,
        channel TEXT NOT NULL,
        event TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        detail TEXT NOT NULL,
        occurred_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE TABLE IF NOT EXISTS acknowledged (alert_id TEXT PRIMARY KEY) STRICT",
    "CREATE TABLE IF NOT EXISTS holds (channel TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT",
)
"""Moments are microseconds since 1970. `attempts` counts all sendings and `tries` those since a person
last asked for the message (`round`), `deaths` those whose sender died. `events` holds what the lake
does not have yet."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Intent:
    """An alert that is to go to a channel from `due_at` on, unless the cooldown forbids it."""

    channel: str
    alert: Alert
    due_at: datetime
    cooldown: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How due intents become messages: `at_once` of them are claimed now.

    Where more intents are due than `allowance` messages are left, or always in a digest, up to
    `together` go into one message. `severities` are those that may be sent now, None for all.
    """

    at_once: int
    allowance: int
    together: int = 1
    is_digest: bool = False
    severities: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this process has undertaken to send; `tries` counts this one."""

    message_id: str
    entries: tuple[Entry, ...]
    is_repeat: bool
    tries: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a claim, and when it may be tried again; None gives it up."""

    claim: Claim
    outcome: Outcome
    again_at: datetime | None


def notification_id_of(alert_id: str, channel: str) -> str:
    """Return the id that an alert's delivery to a channel always has."""
    return hashlib.sha256(f"{alert_id}\x1f{channel}".encode()).hexdigest()


def add(db: sqlite3.Connection, intent: Intent, now: datetime) -> int:
    """Write an intent that is new, or was withdrawn and holds again; return whether it is to be sent."""
    alert = intent.alert
    name = notification_id_of(alert.alert_id, intent.channel)
    if (row := _row(db, name)) is not None:
        if row["state"] != "withdrawn":
            return 0
        change(db, row, "intended", "the alert holds again", now, state="intended")
        return 1
    cools = _cools_down(db, intent)
    state, detail = ("skipped", "within the cooldown") if cools else ("intended", "")
    what = [alert.rule, alert.symbol, alert.severity, micros(alert.closes_at), encode(alert)]
    db.execute(
        "INSERT INTO intents (notification_id, alert_id, channel, rule, symbol, severity, closes_at, alert, "
        "state, due_at, changed_at, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [name, alert.alert_id, intent.channel, *what, state, micros(intent.due_at), micros(now), detail],
    )
    note(db, (name, alert.alert_id, intent.channel), state, 0, detail, now)
    return int(not cools)


def groups(db: sqlite3.Connection, channel: str, terms: Terms, now: datetime) -> list[list[sqlite3.Row]]:
    """Return due intents, those of one message together.

    What may have arrived is sent again as it was, so that it keeps its id.
    """
    found: dict[str, list[sqlite3.Row]] = {}
    if terms.severities is None:
        for row in _due(db, channel, now, is_uncertain=True):
            found.setdefault(row["message_id"], []).append(row)
    fresh = [
        row
        for row in _due(db, channel, now, is_uncertain=False)
        if terms.severities is None or row["severity"] in terms.severities
    ]
    size = terms.together if terms.is_digest or len(fresh) > terms.allowance - len(found) else 1
    messages = [*found.values(), *(fresh[start : start + size] for start in range(0, len(fresh), size))]
    return messages[: min(terms.at_once, terms.allowance)]


def claimed(db: sqlite3.Connection, rows: Sequence[sqlite3.Row], now: datetime) -> Claim:
    """Mark the intents of one message as being sent."""
    is_repeat = bool(rows[0]["is_uncertain"])
    newest = max(row["round"] for row in rows)
    names = [row["notification_id"] for row in rows]
    message_id = rows[0]["message_id"] if is_repeat else message_id_of(names, newest)
    for name in names:
        db.execute(
            "UPDATE intents SET state = 'sending', message_id = ?, started_at = ?, changed_at = ?, "
            "attempts = attempts + 1, tries = tries + 1 WHERE notification_id = ?",
            [message_id, micros(now), micros(now), name],
        )
    entries = tuple(Entry(row["notification_id"], decode(row["alert"])) for row in rows)
    return Claim(message_id, entries, is_repeat, max(row["tries"] for row in rows) + 1)


def settle(db: sqlite3.Connection, verdict: Verdict, now: datetime) -> None:
    """Write down what came of a message for each of its intents."""
    outcome = verdict.outcome
    for entry in verdict.claim.entries:
        row = _row(db, entry.notification_id)
        if row is None or row["state"] != "sending" or row["message_id"] != verdict.claim.message_id:
            continue
        if outcome.kind == "sent":
            change(db, row, "sent", outcome.detail, now, state="sent")
            continue
        change(db, row, "failed", outcome.detail, now, state="failed")
        if verdict.again_at is None:
            change(db, row, "given_up", outcome.detail, now, state="given_up")
        db.execute(
            "UPDATE intents SET due_at = ?, is_uncertain = max(is_uncertain, ?) WHERE notification_id = ?",
            [micros(verdict.again_at or now), int(outcome.kind == "uncertain"), entry.notification_id],
        )


def change(
    db: sqlite3.Connection, row: sqlite3.Row, event: str, detail: str, now: datetime, state: str
) -> None:
    """Bring an intent into a state and note the event."""
    db.execute(
        "UPDATE intents SET state = ?, detail = ?, changed_at = ? WHERE notification_id = ?",
        [state, detail, micros(now), row["notification_id"]],
    )
    note(db, (row["notification_id"], row["alert_id"], row["channel"]), event, row["attempts"], detail, now)


def note(
    db: sqlite3.Connection, who: tuple[str, str, str], event: str, attempt: int, detail: str, now: datetime
) -> None:
    """Note an event of (notification, alert, channel) for the lake."""
    db.execute(
        "INSERT INTO events (notification_id, alert_id, channel, event, attempt, detail, occurred_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [*who, event, attempt, detail, micros(now)],
    )


def rows_in(
    db: sqlite3.Connection, states: Iterable[str], condition: str = "1 = 1", values: Sequence[str] = ()
) -> Iterator[sqlite3.Row]:
    """Yield the intents in some states that meet a condition."""
    names = list(states)
    query = f"SELECT * FROM intents WHERE state IN ({', '.join('?' * len(names))}) AND {condition}"
    yield from db.execute(query, [*names, *values]).fetchall()


def _row(db: sqlite3.Connection, notification_id: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = db.execute(
        "SELECT * FROM intents WHERE notification_id = ?", [notification_id]
    ).fetchone()
    return found


def _due(db: sqlite3.Connection, channel: str, now: datetime, is_uncertain: bool) -> list[sqlite3.Row]:
    # A message that may have arrived is taken whole, so only the others are limited.
    return db.execute(
        "SELECT * FROM intents WHERE channel = ? AND state IN ('intended', 'failed') AND due_at <= ? "
        "AND is_uncertain = ? ORDER BY closes_at, notification_id LIMIT ?",
        [channel, micros(now), int(is_uncertain), -1 if is_uncertain else MOST_DUE],
    ).fetchall()


def _cools_down(db: sqlite3.Connection, intent: Intent) -> bool:
    """Return whether the rule's last news of the symbol is too near on event time, in either direction."""
    if not intent.cooldown:
        return False
    moment, length = micros(intent.alert.closes_at), intent.cooldown // _MICROSECOND
    found = db.execute(
        "SELECT 1 FROM intents WHERE channel = ? AND rule = ? AND symbol = ? "
        "AND state NOT IN ('skipped', 'withdrawn') AND closes_at > ? AND closes_at < ? LIMIT 1",
        [intent.channel, intent.alert.rule, intent.alert.symbol, moment - length, moment + length],
    ).fetchone()
    return found is not None
