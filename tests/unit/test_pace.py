"""How fast a refusing host is asked, told by a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.errors import BadAnswer, SourceBusy
from lake.sources.pace import LONGEST, OPEN_AFTER, Pace, back_off


class Time:
    """A clock that stands still but for sleeping."""

    def __init__(self) -> None:
        self.now = datetime(2024, 1, 2, tzinfo=UTC)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def pace(self, folder: Path, is_patient: bool = True) -> Pace:
        return Pace(folder / "host.json", lambda: self.now, self.sleep, lambda: 1.0, is_patient)


def refusing(*waits: float | None) -> Callable[[], str]:
    """Return a question that is refused so many times, with these pauses asked for, then answered."""
    left = list(waits)

    def question() -> str:
        if left:
            raise SourceBusy("expected an answer, found 429", left.pop(0))
        return "answer"

    return question


def test_the_pause_that_a_host_asks_for_is_kept_and_others_grow(tmp_path: Path) -> None:
    time = Time()
    assert time.pace(tmp_path).ask(refusing(40.0, None, None)) == "answer"
    assert time.slept == [40.0, 60.0, 120.0]
    assert not (tmp_path / "host.json").exists()


def test_pauses_lie_between_30_seconds_and_15_minutes_and_chance_spreads_them() -> None:
    for refusals in range(1, 60):
        low, high = back_off(refusals, 0.0), back_off(refusals, 1.0)
        assert 30.0 <= low <= high <= LONGEST
        assert refusals == 1 or high > low
    assert back_off(40, 1.0) == LONGEST


def test_after_five_refusals_nobody_asks_until_the_pause_is_over(tmp_path: Path) -> None:
    time = Time()
    with pytest.raises(SourceBusy, match="found 429; ask again in 8 min") as caught:
        time.pace(tmp_path).ask(refusing(*[None] * OPEN_AFTER))
    assert time.slept == [30.0, 60.0, 120.0, 240.0]
    assert caught.value.wait == 480.0

    def unasked() -> str:
        raise AssertionError("the host was asked while the circuit was open")

    with pytest.raises(SourceBusy, match="refused 5 in a row; ask again in 8 min"):
        time.pace(tmp_path).ask(unasked)  # another process: all it knows is the file
    time.now += timedelta(seconds=480)
    with pytest.raises(SourceBusy) as again:
        time.pace(tmp_path).ask(refusing(None))
    assert again.value.wait == LONGEST
    time.now += timedelta(seconds=LONGEST)
    assert time.pace(tmp_path).ask(refusing()) == "answer"
    assert time.pace(tmp_path).ask(refusing(None)) == "answer"  # the count began anew


def test_who_is_not_patient_fails_at_once_and_says_when_to_ask_again(tmp_path: Path) -> None:
    time = Time()
    with pytest.raises(SourceBusy) as caught:
        time.pace(tmp_path, is_patient=False).ask(refusing(77.0))
    assert (caught.value.wait, time.slept) == (77.0, [])


def test_nobody_waits_for_more_than_15_minutes(tmp_path: Path) -> None:
    time = Time()
    with pytest.raises(SourceBusy, match="ask again in 60 min"):
        time.pace(tmp_path).ask(refusing(3600.0))
    assert time.slept == []


def test_an_answer_that_cannot_be_used_is_an_answer(tmp_path: Path) -> None:
    time = Time()
    left = [SourceBusy("refused"), BadAnswer("of no use")]

    def question() -> str:
        raise left.pop(0)

    with pytest.raises(BadAnswer):
        time.pace(tmp_path).ask(question)
    assert time.pace(tmp_path).standing().refusals == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"refusals": 3}', '{"refusals": 1, "not_before": null}'])
def test_a_file_that_cannot_be_read_counts_as_nothing_known(tmp_path: Path, content: str) -> None:
    (tmp_path / "host.json").write_text(content)
    assert Time().pace(tmp_path).ask(refusing()) == "answer"
