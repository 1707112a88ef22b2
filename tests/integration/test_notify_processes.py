"""Several processes share one outbox, and any of them may be killed at any moment."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from lake.config import Settings
from lake.notify.notifier import Notifier
from tests.mailboxes import HookServer, hook_server
from tests.notifications import CHECKOUT, Clock, alert, installation

HOOK = (
    "hook:\n  kind: webhook\n  address: ${HOOK_URL}\n  private_network: true\n  messages_per_minute: 600\n"
    "file:\n  kind: file\n"
)
COUNT = 120

# Enqueues all alerts, in an order of its own, and delivers what is due until nothing is.
PROGRAM = """
import random, sys
from pathlib import Path
from lake.config import load_settings
from lake.notify.notifier import Notifier
from tests.notifications import Clock, alert

notifier = Notifier(load_settings(lake_home=Path(sys.argv[1]), lake_root=sys.argv[2]), Clock())
numbers = list(range(int(sys.argv[3])))
random.Random(sys.argv[4]).shuffle(numbers)
print("ready", flush=True)
while numbers:
    notifier.enqueue([alert(number) for number in numbers[:7]])
    del numbers[:7]
    notifier.deliver()
notifier.deliver(wait_seconds=300)
print("done", flush=True)
"""


def started(settings: Settings, hook: HookServer, seed: int, count: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "HOOK_URL": hook.url(), "PYTHONPATH": str(CHECKOUT)}
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        str(settings.lake_home),
        settings.lake_root,
        str(count),
        str(seed),
    ]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def test_three_processes_at_once_send_each_message_once(tmp_path: Path) -> None:
    settings = installation(tmp_path, HOOK)
    with hook_server() as hook:
        processes = [started(settings, hook, seed, COUNT) for seed in range(3)]
        assert [process.communicate()[0] for process in processes] == ["done\n"] * 3
        keys = hook.keys()
    assert len(keys) == len(set(keys)) == COUNT
    assert not any(body["possible_repeat"] for _, body in hook.requests)
    written = (settings.local_folder / "_messages" / "alerts.log").read_text().splitlines()
    assert len(written) == len({line.rpartition(" ")[2] for line in written}) == COUNT


@pytest.mark.parametrize(
    "kills", [pytest.param(4, id="4 kills"), pytest.param(100, id="100 kills", marks=pytest.mark.slow)]
)
def test_killed_at_any_moment_it_loses_nothing_and_marks_every_repeat(
    tmp_path: Path, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)  # shown when the test fails
    chance = random.Random(seed)
    count = max(5 * kills, 40)  # each run is killed after five messages at most, so the last one has work too
    settings = installation(tmp_path, HOOK)
    with hook_server() as hook:
        for number in range(kills):
            kill_after_some(started(settings, hook, number, count), hook, chance)
        monkeypatch.setenv("HOOK_URL", hook.url())
        notifier = Notifier(settings, Clock())
        notifier.enqueue([alert(number) for number in range(count)])
        notifier.deliver()
        rows = notifier.outbox.intents()
        notifier.close()
    sent = Counter(hook.keys())
    unmarked = Counter(body["message_id"] for _, body in hook.requests if not body["possible_repeat"])
    given_up = [row for row in rows if row["state"] == "given_up"]
    assert {row["state"] for row in rows} <= {"sent", "given_up"}
    assert all(row["deaths"] == 2 for row in given_up)
    assert set(sent) >= {
        r["notification_id"] for r in rows if r["channel"] == "hook" and r["state"] == "sent"
    }
    assert max(sent.values()) <= 2 and max(unmarked.values()) == 1
    repeats = {key for key, times in sent.items() if times > 1}
    assert len(repeats) <= kills
    written = (settings.local_folder / "_messages" / "alerts.log").read_text().splitlines()
    whole = [line.rpartition(" ")[2] for line in written]
    expected = {row["notification_id"] for row in rows if row["channel"] == "file"}
    assert set(whole) >= expected and max(Counter(whole)[each] for each in expected) == 1


def kill_after_some(process: subprocess.Popen[str], hook: HookServer, chance: random.Random) -> None:
    """Kill a process once the webhook was asked a few times more, or leave one that is done."""
    target = len(hook.requests) + chance.randrange(1, 6)
    while len(hook.requests) < target and process.poll() is None:
        hook.asked.wait(0.01)
        hook.asked.clear()
    process.send_signal(signal.SIGKILL)
    process.communicate()
