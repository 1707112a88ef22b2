"""The outbox: what is to be sent, what is being sent, and what came of it, on this machine's disk.

An intent per alert and channel is committed before anything is sent, and a receipt after. Several
processes may have the file open. Whoever sends for a channel holds that channel's lock, so an
intent that the holder finds `sending` was left by a process that died in between.

    intended ──► sending ──► sent ──► acknowledged
                  │   ▲
                  ▼   │
                 failed ──► given_up          skipped: within a cooldown
                                              withdrawn: a correction took the alert back

A person's `resend` brings any of them back to intended.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from lake.errors import StoreUnavailable
from lake.feed.times import micros
from lake.notify import transitions
from lake.notify.transitions import SCHEMA, Claim, Intent, Terms, Verdict

REPEATS = 1
"""How often a message is sent again because its sender died while sending it."""

LOCK_SECONDS = 60
"""How long one process waits for another's transaction."""

WAITING = ("intended", "failed")
OPEN = ("intended", "sending", "failed", "given_up")
"""States that a person may want to see to."""


class Outbox:
    """One SQLite file; what a method wrote is on the disk when it returns.

    Every method raises StoreUnavailable where the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(error) from error
        with self._transaction() as db:
            for statement in SCHEMA:
                db.execute(statement)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def add(self, intents: Iterable[Intent], now: datetime) -> int:
        """Write intents that are new and return how many are to be sent; known ones change nothing."""
        ordered = sorted(intents, key=lambda each: (each.alert.closes_at, each.alert.alert_id))
        with self._transaction() as db:
            return sum(transitions.add(db, intent, now) for intent in ordered)

    def withdraw(self, alert_ids: Iterable[str], now: datetime) -> int:
        """Take back what was not sent yet of alerts that a correction has invalidated."""
        detail = "a correction took the alert back"
        with self._transaction() as db:
            return sum(_end_waiting(db, each, "withdrawn", detail, now) for each in alert_ids)

    def claim(self, channel: str, terms: Terms, now: datetime) -> list[Claim]:
        """Mark due intents as being sent and return them as messages; hold the channel's lock."""
        with self._transaction() as db:
            return [
                transitions.claimed(db, rows, now) for rows in transitions.groups(db, channel, terms, now)
            ]

    def settle(self, verdicts: Iterable[Verdict], now: datetime) -> None:
        """Write down what came of claims."""
        with self._transaction() as db:
            for verdict in verdicts:
                transitions.settle(db, verdict, now)

    def recover(self, channel: str, knows_repeats: bool, now: datetime) -> int:
        """Make what a dead process left `sending` due again; hold the channel's lock.

        It may have arrived, so it is sent again once and no more, unless the recipient knows repeats.
        """
        with self._transaction() as db:
            rows = list(transitions.rows_in(db, ["sending"], "channel = ?", [channel]))
            detail = "the sender died while sending it; it may have arrived"
            for row in rows:
                transitions.change(db, row, "interrupted", detail, now, state="failed")
                if row["deaths"] >= REPEATS and not knows_repeats:
                    transitions.change(db, row, "given_up", detail, now, state="given_up")
                db.execute(
                    "UPDATE intents SET is_uncertain = 1, deaths = deaths + 1, due_at = ? "
                    "WHERE notification_id = ?",
                    [micros(now), row["notification_id"]],
                )
        return len(rows)

    def abandon(self, channels: Sequence[str], now: datetime) -> int:
        """Give up what waits for a channel other than `channels`."""
        with self._transaction() as db:
            strangers = f"channel NOT IN ({', '.join('?' * len(channels))})"
            rows = list(transitions.rows_in(db, [*WAITING, "sending"], strangers, channels))
            for row in rows:
                detail = f"conf/channels.yaml has no channel {row['channel']}"
                transitions.change(db, row, "given_up", detail, now, state="given_up")
        return len(rows)

    def acknowledge(self, alert_id: str, now: datetime) -> bool:
        """Note that a person has seen an alert and return whether that is new.

        What was not sent of it yet is not sent any more.
        """
        with self._transaction() as db:
            _end_waiting(db, alert_id, "acknowledged", "seen before it was sent", now)
            db.execute(
                "UPDATE intents SET state = 'acknowledged', changed_at = ? "
                "WHERE alert_id = ? AND state = 'sent'",
                [micros(now), alert_id],
            )
            if not db.execute("INSERT OR IGNORE INTO acknowledged VALUES (?)", [alert_id]).rowcount:
                return False
            who = (transitions.notification_id_of(alert_id, ""), alert_id, "")
            transitions.note(db, who, "acknowledged", 0, "", now)
            return True

    def resend(self, now: datetime, alert_id: str | None = None) -> int:
        """Make an alert's messages due again as new ones, or all that failed or were given up."""
        with self._transaction() as db:
            query = "SELECT * FROM intents WHERE state IN ('failed', 'given_up')"
            if alert_id is not None:
                query = "SELECT * FROM intents WHERE state <> 'sending' AND alert_id = ?"
            rows = db.execute(query, [alert_id] if alert_id else []).fetchall()
            for row in rows:
                transitions.change(db, row, "intended", "asked for again", now, state="intended")
                db.execute(
                    "UPDATE intents SET due_at = ?, tries = 0, deaths = 0, is_uncertain = 0, "
                    "round = round + 1 WHERE notification_id = ?",
                    [micros(now), row["notification_id"]],
                )
        return len(rows)

    def hold(self, channel: str, until: datetime) -> None:
        """Leave a channel alone until a moment."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO holds VALUES (?, ?)", [channel, micros(until)])

    def is_held(self, channel: str, now: datetime) -> bool:
        """Return whether a channel is to be left alone."""
        return bool(self._rows("SELECT 1 FROM holds WHERE channel = ? AND until > ?", [channel, micros(now)]))

    def started_since(self, channel: str, moment: datetime) -> int:
        """Return how many messages a channel was given after a moment."""
        query = "SELECT count(DISTINCT message_id) AS n FROM intents WHERE channel = ? AND started_at > ?"
        return int(self._rows(query, [channel, micros(moment)])[0]["n"])

    def intents(
        self, states: Sequence[str] | None = None, alert_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Return intents in the order of their bars, of some states or of one alert where given."""
        conditions, values = ["1 = 1"], list[str]()
        if states is not None:
            conditions.append(f"state IN ({', '.join('?' * len(states))})")
            values += states
        if alert_id is not None:
            conditions.append("alert_id = ?")
            values.append(alert_id)
        order = "ORDER BY closes_at, notification_id"
        rows = self._rows(f"SELECT * FROM intents WHERE {' AND '.join(conditions)} {order}", values)
        return [dict(row) for row in rows]

    def events(self, most: int) -> list[dict[str, Any]]:
        """Return the oldest events that were not forgotten."""
        return [dict(row) for row in self._rows("SELECT * FROM events ORDER BY event_id LIMIT ?", [most])]

    def forget(self, event_ids: Iterable[int]) -> None:
        """Drop events that the lake has."""
        with self._transaction() as db:
            db.executemany("DELETE FROM events WHERE event_id = ?", [[each] for each in event_ids])

    def _rows(self, query: str, values: Sequence[Any]) -> list[sqlite3.Row]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._unavailable(error) from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"expected to read and write the outbox {self.path}, found: {error}; "
            "check its owner and the space left"
        )


def _end_waiting(db: sqlite3.Connection, alert_id: str, state: str, detail: str, now: datetime) -> int:
    rows = list(transitions.rows_in(db, WAITING, "alert_id = ?", [alert_id]))
    for row in rows:
        transitions.change(db, row, state, detail, now, state=state)
    return len(rows)
