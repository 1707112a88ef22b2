"""The notifier: alerts in, messages out, and a receipt for each in the lake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import structlog
from filelock import FileLock, Timeout

from lake.alerts.alert import Alert
from lake.config import Settings
from lake.errors import BadInput
from lake.feed.times import moment_of
from lake.notify.channels import Channel, read_channels
from lake.notify.listings import Listings
from lake.notify.message import compose, trial_message
from lake.notify.outbox import OPEN, Outbox
from lake.notify.outcome import Outcome, Sender
from lake.notify.pace import again_at, due_at, terms_for
from lake.notify.recent import recent_alerts
from lake.notify.secrets import secrets_of
from lake.notify.senders import sender_of
from lake.notify.transitions import Claim, Intent, Verdict
from lake.rules.language import read_rules
from lake.store.catalog import connect
from lake.store.lake import Lake
from lake.store.tables import TABLES

FAILURES_IN_A_ROW = 3
"""After so many a channel is left alone for a while."""

PAUSE = timedelta(seconds=30)
EVENTS_AT_ONCE = 10_000

_log = structlog.get_logger(__name__)


class Notifier:
    """Delivers alerts through the channels of conf/channels.yaml.

    At least once: an intent is on the disk before anything is sent, and its receipt after. A message
    is sent twice only where nobody can know whether it arrived, and then says so.

    Raises:
        BadConfiguration: conf/channels.yaml or conf/rules.yaml cannot be used.
        StoreUnavailable: the outbox cannot be opened.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        rules = read_rules(settings.conf_folder)
        self.channels = read_channels(settings.conf_folder, rules, secrets_of(settings))
        self.senders = {name: sender_of(each, settings.local_folder) for name, each in self.channels.items()}
        self.outbox = Outbox(settings.local_folder / "_outbox.sqlite")
        self._cooldowns = {name: rule.cooldown for name, rule in rules.items()}
        self._locks = settings.local_folder
        self._listings = Listings(settings)
        self._clock = clock
        self._caught_up_to: int | None = None

    def enqueue(self, alerts: Sequence[Alert]) -> int:
        """Write what is to be sent of alerts, and return how much of it is new.

        Provisional alerts wait for their confirmation; an invalidated one takes back what was not sent.
        """
        now = self._clock()
        added = 0
        for status, run in _runs(alerts):
            if status == "confirmed":
                added += self.outbox.add(self._intents(run, now), now)
            elif status == "invalidated":
                self.outbox.withdraw([alert.alert_id for alert in run], now)
        return added

    def deliver(self, wait_seconds: float = 0) -> int:
        """Send what is due and return how many messages were taken; channels do not wait for one another.

        A channel that another process is sending for is left to it, after `wait_seconds`.
        """
        self.outbox.abandon(list(self.channels), self._clock())
        with ThreadPoolExecutor(len(self.channels), thread_name_prefix="notify") as pool:
            return sum(pool.map(lambda name: self._deliver_to(name, wait_seconds), self.channels))

    def record(self, lake: Lake) -> int:
        """Put the outbox's events into table notifications and return how many; a repeat adds none."""
        count = 0
        while events := self.outbox.events(EVENTS_AT_ONCE):
            with lake.writing("notifications"):
                lake.upsert("notifications", _rows(events), lake.stamp("notifications", self._clock()))
            self.outbox.forget(event["event_id"] for event in events)
            count += len(events)
        return count

    def catch_up(self, lake: Lake) -> int:
        """Enqueue the confirmed alerts of the last session that the data has; return how many are new.

        Older ones stay unsent, so that a first load floods nobody.
        """
        version = lake.table("alerts").version()
        if version == self._caught_up_to:
            return 0
        added = self.enqueue(recent_alerts(lake))
        self._caught_up_to = version
        return added

    def test(self, channel: str | None = None) -> dict[str, Outcome]:
        """Send a message that is marked as a test to one channel or to all, and return what came of it.

        Raises:
            BadInput: there is no such channel.
        """
        if channel is not None and channel not in self.channels:
            raise BadInput(f"expected a channel of {', '.join(self.channels)}, found {channel!r}")
        names = [channel] if channel else list(self.channels)
        return {name: self.senders[name].send(trial_message(name, self._clock())) for name in names}

    def knows(self, alert_id: str, lake: Lake) -> bool:
        """Return whether there is such an alert, in the outbox or in the lake."""
        if self.outbox.intents(alert_id=alert_id):
            return True
        with connect(lake) as con:
            return bool(con.execute("SELECT 1 FROM alerts WHERE alert_id = ?", [alert_id]).fetchall())

    def acknowledge(self, alert_id: str) -> bool:
        """Note that a person has seen an alert, and return whether that is new."""
        return self.outbox.acknowledge(alert_id, self._clock())

    def resend(self, alert_id: str | None = None) -> int:
        """Make an alert's messages due again, or all that failed; return how many."""
        return self.outbox.resend(self._clock(), alert_id)

    def unfinished(self) -> list[dict[str, Any]]:
        """Return the intents that were not delivered yet or given up."""
        return self.outbox.intents(OPEN)

    def close(self) -> None:
        """Let go of the outbox."""
        self.outbox.close()

    def _intents(self, alerts: Sequence[Alert], now: datetime) -> list[Intent]:
        return [
            Intent(name, alert, due_at(channel, now), self._cooldown(channel, alert.rule))
            for alert in alerts
            for name, channel in self.channels.items()
            if channel.takes(alert)
        ]

    def _cooldown(self, channel: Channel, rule: str) -> timedelta | None:
        spans = [span for span in (channel.cooldown, self._cooldowns.get(rule)) if span]
        return max(spans, default=None)

    def _deliver_to(self, name: str, wait_seconds: float) -> int:
        lock = FileLock(self._locks / f"_outbox.{name}.lock", thread_local=False)
        try:
            with lock.acquire(timeout=wait_seconds):
                return self._drain(self.channels[name], self.senders[name])
        except Timeout:
            return 0  # whoever holds it sends what is due

    def _drain(self, channel: Channel, sender: Sender) -> int:
        self.outbox.recover(channel.name, sender.knows_repeats, self._clock())
        sent = failures = 0
        while failures < FAILURES_IN_A_ROW and (claims := self._claims(channel, sender)):
            verdicts = [self._sent(channel, sender, claim) for claim in claims]
            self.outbox.settle(verdicts, self._clock())
            taken = sum(verdict.outcome.kind == "sent" for verdict in verdicts)
            sent += taken
            failures = 0 if taken else failures + 1
            self._pause_for(channel, verdicts, failures)
        return sent

    def _claims(self, channel: Channel, sender: Sender) -> list[Claim]:
        now = self._clock()
        if self.outbox.is_held(channel.name, now):
            return []
        started = self.outbox.started_since(channel.name, now - timedelta(minutes=1))
        return self.outbox.claim(channel.name, terms_for(channel, sender.longest_text, started, now), now)

    def _sent(self, channel: Channel, sender: Sender, claim: Claim) -> Verdict:
        now = self._clock()
        message = compose(
            claim.message_id,
            claim.entries,
            self._listings.of({entry.alert.symbol for entry in claim.entries}),
            now,
            is_repeat=claim.is_repeat,
            says_so=not sender.knows_repeats,
        )
        outcome = sender.send(message)
        if outcome.kind != "sent":
            _log.warning("message_not_sent", channel=channel.name, attempt=claim.tries, detail=outcome.detail)
        return Verdict(claim, outcome, again_at(channel, claim, outcome, self._clock()))

    def _pause_for(self, channel: Channel, verdicts: Sequence[Verdict], failures: int) -> None:
        asked = [verdict.outcome.retry_after for verdict in verdicts if verdict.outcome.retry_after]
        if failures >= FAILURES_IN_A_ROW:
            asked.append(PAUSE)
        if asked:
            self.outbox.hold(channel.name, self._clock() + max(asked))


def _runs(alerts: Sequence[Alert]) -> list[tuple[str, list[Alert]]]:
    """Return alerts in runs of one status, so that a correction counts where it stands."""
    runs: list[tuple[str, list[Alert]]] = []
    for alert in alerts:
        if not runs or runs[-1][0] != alert.status:
            runs.append((alert.status, []))
        runs[-1][1].append(alert)
    return runs


def _rows(events: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = TABLES["notifications"].schema
    names = [name for name in schema.names if name not in ("known_at", "superseded_at")]
    rows = [
        {name: event.get(name) for name in names} | {"occurred_at": moment_of(event["occurred_at"])}
        for event in events
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([schema.field(name) for name in names]))
