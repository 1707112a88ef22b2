"""The message file has one line a message, each once, through crashes and two writers."""

from pathlib import Path

import pytest

from lake.notify.message import Entry, Message, compose
from lake.notify.notifier import Notifier
from lake.notify.senders.file import FileSender
from tests.notifications import NOON, Clock, alert, installation, lines

FILE = "file:\n  kind: file\n"


def message(number: int, is_repeat: bool = False) -> Message:
    entry = Entry(str(number), alert(number))
    return compose(f"id-{number}", [entry], {}, NOON, is_repeat=is_repeat, says_so=False)


def test_each_alert_is_a_line_with_its_id_last(tmp_path: Path) -> None:
    settings = installation(tmp_path, FILE)
    notifier = Notifier(settings, Clock())
    notifier.enqueue([alert(number) for number in range(500)])
    assert notifier.deliver() == 500
    rows = notifier.outbox.intents()
    assert [line.rpartition(" ")[2] for line in lines(settings)] == [row["notification_id"] for row in rows]
    assert lines(settings)[0].startswith("2026-11-20T17:00:00Z info AAPL 5m hammer (bullish) at 189.50")
    assert notifier.deliver() == 0
    notifier.close()


def test_a_repeated_message_is_not_appended_twice(tmp_path: Path) -> None:
    sender = FileSender(tmp_path / "messages" / "alerts.log")
    for number in (1, 11, 2):
        assert sender.send(message(number)).detail == "appended"
    assert sender.send(message(1, is_repeat=True)).detail == "stood in the file already"
    assert sender.send(message(3, is_repeat=True)).detail == "appended"
    assert len(sender.path.read_text().splitlines()) == 4


@pytest.mark.parametrize("missing", range(1, 80, 7))
def test_a_line_that_was_torn_is_written_again_whole(tmp_path: Path, missing: int) -> None:
    sender = FileSender(tmp_path / "alerts.log")
    for number in (1, 2):
        sender.send(message(number))
    whole = sender.path.read_bytes()
    sender.path.write_bytes(whole[:-missing])
    assert sender.send(message(2, is_repeat=True)).detail == "appended"
    found = sender.path.read_bytes().splitlines()
    assert found[0] + b"\n" + found[-1] + b"\n" == whole and len(found) == 3


def test_a_file_that_cannot_be_written_fails_the_channel_alone(tmp_path: Path) -> None:
    settings = installation(tmp_path, FILE)
    settings.local_folder.mkdir()
    (settings.local_folder / "_messages").write_text("a file where the folder belongs")
    clock = Clock()
    notifier = Notifier(settings, clock)
    notifier.enqueue([alert()])
    assert notifier.deliver() == 0
    assert "alerts.log: " in notifier.unfinished()[0]["detail"]
    (settings.local_folder / "_messages").unlink()
    clock.forward(minutes=1)
    assert notifier.deliver() == 1 and len(lines(settings)) == 1
    notifier.close()


def test_two_notifiers_share_the_work_without_doubling(tmp_path: Path) -> None:
    settings = installation(tmp_path, FILE)
    first, second = Notifier(settings, Clock()), Notifier(settings, Clock())
    alerts = [alert(number) for number in range(40)]
    assert first.enqueue(alerts[:30]) + second.enqueue(alerts[10:]) == 40
    assert second.deliver() + first.deliver() == 40
    ids = [line.rpartition(" ")[2] for line in lines(settings)]
    assert len(ids) == len(set(ids)) == 40
    first.close()
    second.close()
