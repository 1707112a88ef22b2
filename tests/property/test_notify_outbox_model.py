"""The outbox against a model of a few lines: alerts, senders that fail or die, corrections, people."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lake.notify.outbox import Outbox
from lake.notify.outcome import Outcome
from lake.notify.transitions import Claim, Intent, Terms, Verdict
from tests.notifications import NOON, alert

NUMBERS = st.integers(0, 11)
COOLDOWN = timedelta(minutes=15)
CHANNEL = "a"


class OutboxAgainstModel(RuleBasedStateMachine):
    """`model` is the state of each alert by its number; `arrived` what the recipient got."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.boxes = [Outbox(Path(self.folder.name) / "outbox.sqlite") for _ in range(2)]
        self.now: datetime = NOON
        self.model: dict[int, str] = {}
        self.uncertain: set[int] = set()
        self.deaths: dict[int, int] = {}
        self.arrived: dict[int, int] = {}
        self.unmarked: dict[int, int] = {}
        self.asked: dict[int, int] = {}
        self.knows_repeats = False

    @initialize(knows_repeats=st.booleans())
    def begin(self, knows_repeats: bool) -> None:
        self.knows_repeats = knows_repeats

    def teardown(self) -> None:
        for box in self.boxes:
            box.close()
        self.folder.cleanup()

    @rule(numbers=st.lists(NUMBERS, max_size=4), which=st.integers(0, 1), cools=st.booleans())
    def alerts_come(self, numbers: list[int], which: int, cools: bool) -> None:
        expected = 0
        for number in sorted(numbers):
            if (state := self.model.get(number)) is not None and state != "withdrawn":
                continue
            if state is None and cools and self._is_too_near(number):
                self.model[number] = "skipped"
                continue
            self.model[number] = "intended"
            expected += 1
        intents = [Intent(CHANNEL, alert(n), self.now, COOLDOWN if cools else None) for n in numbers]
        assert self.boxes[which].add(intents, self.now) == expected

    def _is_too_near(self, number: int) -> bool:
        quiet = ("skipped", "withdrawn")
        return any(abs(other - number) * 5 < 15 for other, state in self.model.items() if state not in quiet)

    @rule(
        which=st.integers(0, 1),
        fate=st.sampled_from(["sent", "failed", "lost answer", "died before", "died after", "last failure"]),
        together=st.integers(1, 4),
        allowance=st.integers(0, 3),
    )
    def a_sender_works(self, which: int, fate: str, together: int, allowance: int) -> None:
        box = self.boxes[which]
        terms = Terms(at_once=1, allowance=allowance, together=together)
        claims = box.claim(CHANNEL, terms, self.now)
        waiting = {n for n, state in self.model.items() if state in ("intended", "failed")}
        assert bool(claims) == bool(waiting and allowance)
        for claim in claims:
            self._send(box, claim, fate)
        self.now += timedelta(minutes=1)

    def _send(self, box: Outbox, claim: Claim, fate: str) -> None:
        numbers = {self._number(entry.alert.alert_id) for entry in claim.entries}
        assert all(self.model[n] in ("intended", "failed") for n in numbers)
        assert numbers <= self.uncertain if claim.is_repeat else not numbers & self.uncertain
        if fate in ("sent", "lost answer", "died after"):
            for n in numbers:
                self.arrived[n] = self.arrived.get(n, 0) + 1
                if not claim.is_repeat:
                    self.unmarked[n] = self.unmarked.get(n, 0) + 1
        if fate.startswith("died"):
            self._die(box, numbers)
            return
        kind = {"sent": "sent", "lost answer": "uncertain"}.get(fate, "failed")
        again = None if fate == "last failure" else self.now
        box.settle([Verdict(claim, Outcome(kind, fate), again)], self.now)  # type: ignore[arg-type]
        for n in numbers:
            self.model[n] = {"sent": "sent", "last failure": "given_up"}.get(fate, "failed")
        if kind == "uncertain":
            self.uncertain |= numbers

    def _die(self, box: Outbox, numbers: set[int]) -> None:
        other = next(each for each in self.boxes if each is not box)
        assert other.recover(CHANNEL, self.knows_repeats, self.now) == len(numbers)
        for n in numbers:
            is_last = self.deaths.get(n, 0) >= 1 and not self.knows_repeats
            self.model[n] = "given_up" if is_last else "failed"
            self.deaths[n] = self.deaths.get(n, 0) + 1
        self.uncertain |= numbers

    @rule(number=NUMBERS)
    def a_correction_takes_it_back(self, number: int) -> None:
        waits = self.model.get(number) in ("intended", "failed")
        assert self.boxes[0].withdraw([alert(number).alert_id], self.now) == int(waits)
        if waits:
            self.model[number] = "withdrawn"

    @rule(number=NUMBERS)
    def a_person_has_seen_it(self, number: int) -> None:
        self.boxes[1].acknowledge(alert(number).alert_id, self.now)
        if self.model.get(number) in ("intended", "failed", "sent"):
            self.model[number] = "acknowledged"

    @rule(number=st.none() | NUMBERS)
    def a_person_asks_again(self, number: int | None) -> None:
        if number is None:
            found = [n for n, state in self.model.items() if state in ("failed", "given_up")]
        else:
            found = [number] if number in self.model else []
        asked_for = None if number is None else alert(number).alert_id
        assert self.boxes[0].resend(self.now, asked_for) == len(found)
        for n in found:
            self.model[n] = "intended"
            self.asked[n] = self.asked.get(n, 0) + 1
            self.deaths.pop(n, None)
        self.uncertain -= set(found)

    @rule()
    def the_process_starts_again(self) -> None:
        path = self.boxes[0].path
        self.boxes[0].close()
        self.boxes[0] = Outbox(path)

    @invariant()
    def the_states_are_those_of_the_model(self) -> None:
        found = {self._number(row["alert_id"]): row["state"] for row in self.boxes[1].intents()}
        assert found == self.model

    @invariant()
    def nothing_arrives_twice_unmarked_unless_a_person_asked(self) -> None:
        for number, count in self.unmarked.items():
            assert count <= 1 + self.asked.get(number, 0)

    @invariant()
    def what_counts_as_sent_has_arrived(self) -> None:
        assert all(self.arrived.get(n) for n, state in self.model.items() if state == "sent")

    @invariant()
    def no_event_stands_twice(self) -> None:
        if "withdrawn" not in self.model.values():
            events = self.boxes[0].events(100_000)
            finals = [
                (event["notification_id"], event["event"], event["attempt"])
                for event in events
                if event["event"] in ("sent", "failed", "given_up", "interrupted")
            ]
            assert len(finals) == len(set(finals))

    def _number(self, alert_id: str) -> int:
        return next(n for n in range(12) if alert(n).alert_id == alert_id)


OutboxAgainstModel.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestOutboxAgainstModel = OutboxAgainstModel.TestCase
