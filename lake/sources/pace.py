"""How fast a host may be asked: it is left alone after a refusal, and for long after five in a row.

What is known of a host lies in a small file, so that all tasks of a machine heed one refusal.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from lake.errors import BadAnswer, BadInput, SourceBusy

SHORTEST, LONGEST = 30.0, 900.0
"""Seconds to wait after the first refusal, and after many."""

OPEN_AFTER = 5
"""Refusals in a row after which nobody waits any more: each asks once in a while, and fails until then."""

LONGEST_ASKED = 86_400.0
"""A host that asks for more than a day is asked again after a day."""

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a host stands: its refusals since it last answered, and when it may be asked again."""

    refusals: int = 0
    not_before: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the circuit is open."""
        return self.refusals >= OPEN_AFTER


def back_off(refusals: int, chance: float) -> float:
    """Return the seconds to wait after so many refusals in a row; `chance`, 0 to 1, spreads them."""
    longest = min(LONGEST, SHORTEST * 2.0 ** (min(refusals, 20) - 1))
    return max(SHORTEST, longest * (0.5 + chance / 2))


@dataclass(frozen=True)
class Pace:
    """The pace of one host.

    A patient one waits and asks again, until the circuit opens; another fails at once and says in
    how many seconds asking again makes sense.
    """

    path: Path
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    chance: Callable[[], float]
    is_patient: bool = False

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Return the answer to a question, asked when the host may be asked.

        Raises:
            SourceBusy: the host wants to be left alone for longer than we wait.
        """
        while True:
            self._wait_for_turn()
            try:
                answer = question()
            except SourceBusy as busy:
                self._refused(busy)
                continue
            except (BadAnswer, BadInput):
                self._answered()
                raise
            self._answered()
            return answer

    def standing(self) -> Standing:
        """Return how the host stands; what cannot be read counts as nothing known."""
        try:
            found = json.loads(self.path.read_text())
            not_before = datetime.fromisoformat(found["not_before"]).astimezone(UTC)
            return Standing(int(found["refusals"]), not_before)
        except (OSError, ValueError, KeyError, TypeError):
            return Standing()

    def refuse_if_too_early(self) -> None:
        """Raise if the host asked to be left alone for longer.

        Raises:
            SourceBusy: it did.
        """
        if (rest := self._rest()) > 0:
            raise SourceBusy(f"{self._refusals()}; ask again in {_spoken(rest)}", rest)

    def _wait_for_turn(self) -> None:
        if (rest := self._rest()) > 0:
            self._wait(rest, SourceBusy(self._refusals()))

    def _rest(self) -> float:
        not_before = self.standing().not_before
        return (not_before - self.clock()).total_seconds() if not_before else 0.0

    def _refusals(self) -> str:
        return f"expected the host to be ready, found that it refused {self.standing().refusals} in a row"

    def _refused(self, busy: SourceBusy) -> None:
        refusals = self.standing().refusals + 1
        asked = busy.wait if busy.wait is not None else back_off(refusals, self.chance())
        seconds = min(max(asked, 1.0), LONGEST_ASKED)
        self._note(Standing(refusals, self.clock() + timedelta(seconds=seconds)))
        self._wait(seconds, busy)

    def _wait(self, seconds: float, why: SourceBusy) -> None:
        if not self.is_patient or self.standing().is_open or seconds > LONGEST:
            raise SourceBusy(f"{why}; ask again in {_spoken(seconds)}", seconds) from why
        log.warning("%s; waiting %s", why, _spoken(seconds))
        self.sleep(seconds)

    def _answered(self) -> None:
        if self.standing().refusals:
            self.path.unlink(missing_ok=True)

    def _note(self, standing: Standing) -> None:
        moment = standing.not_before.isoformat() if standing.not_before else None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        temporary.write_text(json.dumps({"refusals": standing.refusals, "not_before": moment}))
        temporary.replace(self.path)


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
