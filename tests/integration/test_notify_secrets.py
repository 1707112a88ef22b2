"""A secret of an address is in no log, output, error, outbox or table, whatever goes wrong."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from apprise.plugins.telegram import NotifyTelegram

from lake.config import Settings
from lake.notify.notifier import Notifier
from lake.notify.secrets import Secret
from lake.store.catalog import connect
from lake.store.lake import Lake
from tests.mailboxes import hook_server, mail_server
from tests.notifications import Clock, alert, installation
from tests.servers import free_port

CANARIES = ("canary-user", "canary-password", "canary%2Fpath", "canary/path", "canary-token", "canary-query",
            "Y2FuYXJ5")  # fmt: skip
"""The last one is how base64 begins for any of them."""

CHANNELS = """
email:
  kind: email
  address: ${EMAIL_URL}
hook:
  kind: webhook
  address: ${HOOK_URL}
  private_network: true
telegram:
  kind: chat
  address: ${TELEGRAM_URL}
ntfy:
  kind: chat
  address: ${NTFY_URL}
"""


def leaks(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


def addresses(mail: int, hook: int) -> dict[str, str]:
    return {
        "EMAIL_URL": f"mailto://canary-user:canary-password@127.0.0.1:{mail}?from=a@example.com&to=b@example.com",
        "HOOK_URL": f"http://canary-user:canary-password@127.0.0.1:{hook}/canary%2Fpath/x?key=canary-query",
        "TELEGRAM_URL": "tgram://123456789:canary-token_canary-token_canary-to/42",
        "NTFY_URL": f"ntfy://canary-user:canary-password@127.0.0.1:{hook}/alerts",
    }


def content(settings: Settings) -> str:
    """Return every byte below the lake's folder, and the table of receipts as text."""
    found = "".join(
        path.read_bytes().decode("latin-1") for path in Path(settings.lake_root).rglob("*") if path.is_file()
    )
    with connect(Lake.open(settings)) as con:
        return found + str(con.execute("SELECT * FROM notifications").fetchall())


@pytest.mark.parametrize(
    "answers", [[], [500] * 4, [401] * 4, [(429, {"Retry-After": "5"})] * 4, ["reset"] * 4, ["nobody"]]
)
def test_no_answer_of_a_recipient_brings_a_secret_to_light(
    tmp_path: Path,
    answers: list[object],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = installation(tmp_path, CHANNELS)
    clock = Clock()
    with mail_server() as mail, hook_server() as hook:
        is_there = answers != ["nobody"]
        ports = (mail.port, hook.port) if is_there else (free_port(), free_port())
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://127.0.0.1:{ports[1]}/bot")
        for name, value in addresses(*ports).items():
            monkeypatch.setenv(name, value)
        mail.answers = ["535 canary-user canary-password is wrong"] * 2 if answers else []
        hook.answers = list(answers) if is_there else []
        notifier = Notifier(settings, clock)
        notifier.enqueue([alert()])
        sent = notifier.deliver()
        assert sent == (0 if answers else 4)
        notifier.test()
        notifier.record(Lake.open(settings))
        told = repr(vars(notifier)) + str(notifier.channels) + str(notifier.unfinished())
        notifier.close()
        if is_there:
            assert mail.logins[0] == ("canary-user", "canary-password")
            assert "canary%2Fpath" in str([body for _, body in hook.requests]) or len(hook.requests) >= 3
    out, err = capfd.readouterr()
    # The mail server of the test logs what it is told, as mail servers do; that is not our log.
    ours = "\n".join(str(vars(record)) for record in caplog.records if record.name != "mail.log")
    assert "message_not_sent" in caplog.text + out or not answers
    assert not leaks(ours) and not leaks(out + err) and not leaks(told)
    assert not leaks(content(settings))


@pytest.mark.parametrize(
    ("command", "broken"),
    [
        ("check", "HOOK_URL"),
        ("notify test", ""),
        ("notify test", "EMAIL_URL"),
        ("notify list", "TELEGRAM_URL"),
        ("notify resend --failed", ""),
    ],
)
def test_no_command_shows_a_secret(tmp_path: Path, command: str, broken: str, mongo_url: str) -> None:
    settings = installation(tmp_path, CHANNELS)
    secrets = addresses(free_port(), free_port())
    if broken:
        secrets[broken] = f"nonsense://canary-user:canary-password@{secrets[broken]}"
    else:
        secrets["TELEGRAM_URL"] = secrets["NTFY_URL"]
    (settings.lake_home / ".env").write_text(
        "".join(f"{name}='{value}'\n" for name, value in secrets.items())
    )
    environment = {**os.environ, "LAKE_HOME": str(settings.lake_home), "LAKE_ROOT": settings.lake_root}
    environment["MONGO_URL"] = mongo_url
    program = "import logging; logging.basicConfig(level=10); from lake.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *command.split()],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not leaks(done.stdout + done.stderr)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if command.endswith("--failed") else 1), done.stdout + done.stderr


def test_redaction_finds_every_part_of_an_address_in_any_form() -> None:
    secret = Secret(
        "X",
        "https://canary-user:canary%2Fpath@host.example.com:8443/canary-token/a?key=canary-query#canary-f",
    )
    said = (
        "https://canary-user:canary%2Fpath@host.example.com:8443/canary-token/a?key=canary-query "
        "canary-user canary/path /canary-token/a canary-token canary-query canary-f "
        "Basic Y2FuYXJ5LXVzZXI6Y2FuYXJ5L3BhdGg="
    )
    assert "canary" not in secret.redact(said) and "Y2Fu" not in secret.redact(said)
    assert "host.example.com" in secret.redact(said)
    assert "canary" not in Secret("X", "tgram://12345:canary-token/42").redact(
        "12345:canary-token canary-token"
    )
    assert "canary" not in Secret("X", "slack://canary-a/canary-b/c").redact("https://x/canary-a/canary-b")
    assert str(secret) == repr(secret) == "${X}"
