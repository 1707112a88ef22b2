"""A notifier that is killed in any gap loses no message and repeats at most the one it was sending."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lake.config import Settings
from lake.notify.notifier import Notifier
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.mailboxes import HookServer, hook_server, mail_server
from tests.notifications import CHECKOUT, Clock, alert, installation, lines

ALERTS = [alert(number) for number in range(6)]

# Runs a notifier that kills itself the `count`-th time it comes to `gap`.
PROGRAM = """
import os, signal, sys
from pathlib import Path
from lake.config import load_settings
from lake.notify.notifier import Notifier
from lake.notify.outbox import Outbox
from lake.store.lake import Lake
from tests.notifications import Clock, alert

home, root, gap, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
settings = load_settings(lake_home=home, lake_root=root)
notifier = Notifier(settings, Clock())

def dying(function, before):
    calls = 0
    def wrapped(*arguments, **options):
        nonlocal calls
        calls += 1
        if before and calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **options)
        if not before and calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

def at(owner, name, before):
    setattr(owner, name, dying(getattr(owner, name), before))

lake = Lake.open(settings)
match gap:
    case "before the intent": at(notifier.outbox, "add", True)
    case "after the intent": at(notifier.outbox, "add", False)
    case "before sending": [at(each, "send", True) for each in notifier.senders.values()]
    case "after sending": [at(each, "send", False) for each in notifier.senders.values()]
    case "after the receipt": at(notifier.outbox, "settle", False)
    case "before the lake": at(lake, "upsert", True)
    case "after the lake": at(lake, "upsert", False)
for number in range(6):
    notifier.enqueue([alert(number)])
notifier.deliver()
notifier.record(lake)
print("reached the end")
"""

CHANNELS = {
    "file": "file:\n  kind: file\n",
    "email": "email:\n  kind: email\n  address: ${ADDRESS}\n",
    "hook": "hook:\n  kind: webhook\n  address: ${ADDRESS}\n  private_network: true\n",
}
GAPS = (
    "before the intent", "after the intent", "before sending", "after sending", "after the receipt",
    "before the lake", "after the lake",
)  # fmt: skip


def killed(settings: Settings, gap: str, count: int, address: str = "") -> None:
    """Run a notifier to its death in a gap."""
    environment = {**os.environ, "ADDRESS": address, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", PROGRAM, str(settings.lake_home), settings.lake_root, gap, str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def finish(settings: Settings) -> None:
    """Start again after the death, with the same alerts."""
    clock = Clock()
    notifier = Notifier(settings, clock)
    notifier.enqueue(ALERTS)
    notifier.deliver()
    notifier.record(Lake.open(settings))
    notifier.close()


def sent_of(settings: Settings) -> list[tuple[str, int]]:
    """Return, per alert, how many receipts the lake's view has."""
    with connect(Lake.open(settings)) as con:
        query = "SELECT alert_id, count(*) FROM notifications WHERE event = 'sent' GROUP BY ALL ORDER BY ALL"
        return con.execute(query).fetchall()


ONE_EACH = sorted((each.alert_id, 1) for each in ALERTS)


@pytest.mark.parametrize("gap", GAPS)
def test_the_file_has_every_alert_once(tmp_path: Path, gap: str) -> None:
    settings = installation(tmp_path, CHANNELS["file"])
    killed(settings, gap, 1 if gap.endswith(("lake", "receipt")) else 3)
    finish(settings)
    found = lines(settings)
    assert len(found) == 6 and sum(each.alert_id in line for each in ALERTS for line in found) == 6
    assert sent_of(settings) == ONE_EACH


@pytest.mark.parametrize("gap", GAPS)
def test_an_email_is_repeated_only_where_the_sender_died_after_sending(
    tmp_path: Path, gap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installation(tmp_path, CHANNELS["email"])
    with mail_server() as mail:
        monkeypatch.setenv("ADDRESS", mail.url())
        killed(settings, gap, 1 if gap.endswith("lake") else 3, mail.url())
        finish(settings)
        letters = mail.letters()
    by_id: dict[str, list[str]] = {}
    for letter in letters:
        by_id.setdefault(letter["Message-ID"], []).append(letter["Subject"])
    assert len(by_id) == 6
    repeated = [subjects for subjects in by_id.values() if len(subjects) > 1]
    assert [len(subjects) for subjects in repeated] == ([2] if gap == "after sending" else [])
    marked = [letter for letter in letters if "possible repeat" in letter["Subject"]]
    assert len(marked) == (1 if gap in ("before sending", "after sending") else 0)
    assert all("possible repeat" in subjects[1] for subjects in repeated)
    assert sent_of(settings) == ONE_EACH


def hook_requests(tmp_path: Path, hook: HookServer, deaths: int, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = installation(tmp_path, CHANNELS["hook"])
    monkeypatch.setenv("ADDRESS", hook.url())
    for _ in range(deaths):
        killed(settings, "after sending", 1, hook.url())
    finish(settings)
    return settings


def test_a_webhook_gets_a_key_twice_at_most_however_often_its_sender_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hook_server() as hook:
        settings = hook_requests(tmp_path, hook, 3, monkeypatch)
        keys = hook.keys()
    assert len(set(keys)) == 6
    assert max(keys.count(key) for key in keys) == 2
    repeats = {body["message_id"] for _, body in hook.requests if body["possible_repeat"]}
    assert repeats == {key for key in keys if keys.count(key) == 2}
    given_up = len(ONE_EACH) - len(sent_of(settings))
    assert given_up == 1, (
        "the one whose sender died twice waits for a person, and `lake notify list` shows it"
    )
