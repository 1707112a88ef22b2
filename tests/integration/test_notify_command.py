"""`lake notify` says what came of it, and ends a user's mistake with one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from lake.alerts.alert import alert_rows
from lake.config import Settings
from lake.notify.notifier import Notifier
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from tests.mailboxes import hook_server
from tests.notifications import Clock, alert, installation, lines

FILE = "file:\n  kind: file\n"
HOOK = "hook:\n  kind: webhook\n  address: ${HOOK_URL}\n  private_network: true\n  attempts: 1\n"


def lake(settings: Settings, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LAKE_HOME": str(settings.lake_home), "LAKE_ROOT": settings.lake_root}
    command = [sys.executable, "-c", "from lake.cli import main; main()", "notify", *arguments]
    return subprocess.run(
        command, env={**environment, **variables}, capture_output=True, text=True, check=False
    )


def test_a_test_goes_through_every_channel_or_one(tmp_path: Path) -> None:
    with hook_server() as hook:
        settings = installation(tmp_path, FILE + HOOK)
        done = lake(settings, "test", HOOK_URL=hook.url())
        assert done.returncode == 0, done.stderr
        assert done.stdout == "file: sent (appended)\nhook: sent (200)\n"
        hook.answers = [500]
        done = lake(settings, "test", "--channel", "hook", HOOK_URL=hook.url())
        assert done.returncode == 1 and done.stdout.startswith("hook: failed (500 ")
        assert [body["title"] for _, body in hook.requests] == ["[TEST, no alert] channel hook"] * 2
    assert len(lines(settings)) == 1 and "[TEST, no alert] channel file" in lines(settings)[0]
    with connect(Lake.open(settings)) as con:
        assert con.execute("SELECT count(*) FROM notifications").fetchone() == (0,)


def test_an_acknowledgement_is_in_the_lake_once(tmp_path: Path) -> None:
    settings = installation(tmp_path, FILE)
    Lake.open(settings).upsert("alerts", alert_rows([alert()]), now_utc())
    first, second = (lake(settings, "ack", alert().alert_id) for _ in range(2))
    assert (first.returncode, first.stdout) == (0, "acknowledged\n")
    assert (second.returncode, second.stdout) == (0, "was acknowledged before\n")
    with connect(Lake.open(settings)) as con:
        (when,) = con.execute("SELECT acknowledged_at FROM alerts").fetchall()
        assert when[0] is not None
        assert con.execute("SELECT count(*) FROM notifications").fetchone() == (1,)


def test_what_was_given_up_is_listed_and_can_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = installation(tmp_path, HOOK)
    with hook_server() as hook:
        monkeypatch.setenv("HOOK_URL", hook.url())
        hook.answers = [500]
        notifier = Notifier(settings, Clock())
        notifier.enqueue([alert()])
        notifier.deliver()
        notifier.close()
        (row,) = orjson.loads(lake(settings, "list", "--format", "json").stdout)
        assert row["alert_id"] == alert().alert_id and row["state"] == "given_up" and "500" in row["detail"]
        done = lake(settings, "resend", "--failed")
        assert (done.returncode, done.stdout) == (0, "resend: asked for 1, messages sent 1\n")
        assert lake(settings, "list").stdout == "nothing is waiting\n"
        assert lake(settings, "resend", alert().alert_id).returncode == 0
        assert len(hook.requests) == 3 and len(set(hook.keys())) == 3
    with connect(Lake.open(settings)) as con:
        query = "SELECT event, count(*) FROM notifications GROUP BY event ORDER BY event"
        expected = [("failed", 1), ("given_up", 1), ("intended", 3), ("sent", 2)]
        assert con.execute(query).fetchall() == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("test", "--channel", "fax"), "lake: expected a channel of file, found 'fax'"),
        (("ack", "f00"), "lake: expected the alert_id of an alert in the lake, found 'f00'"),
        (("resend", "f00"), "lake: expected an alert that has messages, found 'f00'; see `lake notify list`"),
        (("resend",), "lake: expected either an alert_id or --failed, found none"),
        (("resend", "f00", "--failed"), "lake: expected either an alert_id or --failed, found both"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = lake(installation(tmp_path, FILE), *arguments)
    assert done.returncode == 1 and done.stderr == f"{sentence}\n" and not done.stdout


def test_a_broken_file_of_channels_is_refused_with_its_line(tmp_path: Path) -> None:
    done = lake(installation(tmp_path, "file:\n  kind: fax\n"), "list")
    assert done.returncode == 1
    assert "channels.yaml, line 2: expected one of file, email, webhook, chat, found 'fax'" in done.stderr
