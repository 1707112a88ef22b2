"""conf/channels.yaml is read as written, or refused with its line, and never with a secret."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lake.errors import BadConfiguration
from lake.notify.channels import Channel, parse_channels, read_channels
from lake.notify.quiet import QuietHours
from lake.notify.secrets import Secret
from lake.notify.senders import sender_of
from tests.notifications import CHECKOUT, alert

RULES = ("hammer", "ema_cross")
ENVIRONMENT = {"SMTP_URL": "mailtos://me:hunter2secret@smtp.example.com?from=a@example.com&to=b@example.com"}


def channels(text: str) -> dict[str, Channel]:
    return parse_channels(text, RULES, ENVIRONMENT)


def test_out_of_the_box_there_is_the_file_and_nothing_else() -> None:
    found = read_channels(CHECKOUT / "conf", RULES, {})
    assert list(found) == ["file"] and found["file"].messages_per_minute is None


def test_the_channels_ready_to_fill_in_can_be_used_once_they_are() -> None:
    text = (CHECKOUT / "conf" / "channels.yaml").read_text()
    head, _, examples = text.partition("file:\n  kind: file\n")
    assert head and examples
    environment = {
        **ENVIRONMENT,
        "WEBHOOK_URL": "https://example.com/alerts",
        "TELEGRAM_URL": "tgram://123456789:abcdefghijklmnopqrstuvwxyz_ABCDEFGH/42",
        "SLACK_URL": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts",
        "DISCORD_URL": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "NTFY_URL": "ntfys://ntfy.example.com/alerts",
    }
    found = parse_channels(examples.replace("\n# ", "\n"), RULES, environment)
    assert list(found) == ["email", "webhook", "telegram", "slack", "discord", "phone"]
    for channel in found.values():
        sender_of(channel, CHECKOUT)


def test_every_option_is_read() -> None:
    found = channels(
        "email:\n  kind: email\n  address: ${SMTP_URL}\n  severities: [warning, critical]\n"
        "  rules: [hammer]\n  symbols: [BRK.B]\n  cooldown: 2h\n  digest: 15m\n  messages_per_minute: 3\n"
        "  attempts: 4\n"
        "  quiet_hours: {from: '22:00', to: '07:00', zone: Europe/Berlin, let_through: [critical]}\n"
    )["email"]
    assert found == Channel(
        name="email",
        kind="email",
        address=Secret("SMTP_URL", ENVIRONMENT["SMTP_URL"]),
        severities=frozenset({"warning", "critical"}),
        rules=frozenset({"hammer"}),
        symbols=frozenset({"BRK.B"}),
        cooldown=timedelta(hours=2),
        quiet_hours=QuietHours(time(22), time(7), ZoneInfo("Europe/Berlin"), frozenset({"critical"})),
        digest=timedelta(minutes=15),
        messages_per_minute=3,
        attempts=4,
    )


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({"severity": "critical"}, True),
        ({"severity": "info"}, False),
        ({"severity": "critical", "symbol": "MSFT"}, False),
        ({"severity": "critical", "rule": "ema_cross"}, False),
    ],
)
def test_filters_all_have_to_pass(changes: dict[str, str], taken: bool) -> None:
    channel = channels("a:\n  kind: file\n  severities: [critical]\n  rules: [hammer]\n  symbols: [AAPL]\n")[
        "a"
    ]
    assert channel.takes(alert(**changes)) is taken


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", "line 1: expected"),
        ("file: 1\n", "line 1: expected channel file with kind"),
        ("Big-Name:\n  kind: file\n", "line 1: expected a channel's name of a-z, 0-9 and _, found"),
        ("a:\n  kind: fiel\n", "line 2: expected one of file, email, webhook, chat, found 'fiel', near file"),
        ("a:\n  kind: file\n  adress: 1\n", "line 3: expected one of kind, address"),
        ("a:\n  kind: email\n", "line 1: expected channel a with an address such as ${SMTP_URL}, found none"),
        ("a:\n  kind: email\n  address: ${NOT_THERE}\n", "line 3: expected NOT_THERE in the environment"),
        ("a:\n  kind: file\n  digest: 1h\n", "line 3: expected no digest for a channel of kind file"),
        ("a:\n  kind: file\n  rules: [hamer]\n", "line 3: expected one of hammer, ema_cross, found"),
        ("a:\n  kind: file\n  symbols: [../x]\n", "line 3: expected a symbol such as BRK.B"),
        ("a:\n  kind: file\n  cooldown: soon\n", "line 3: expected a time such as 30m, 4h or 5d, found"),
        ("a:\n  kind: file\n  attempts: 0\n", "line 3: expected a whole number from 1 to 100, found '0'"),
        ("a:\n  kind: file\n  attempts: \u0663\n", "line 3: expected a whole number from 1 to 100"),
        (
            "a:\n  kind: file\n  quiet_hours: {from: '22:00', to: '25:00', zone: UTC}\n",
            "line 3: expected a time of day such as 22:00, found '25:00'",
        ),
        (
            "a:\n  kind: file\n  quiet_hours: {from: '22:00', to: '07:00', zone: Mars/Base}\n",
            "line 3: expected a zone such as America/New_York, found 'Mars/Base'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_line(text: str, refusal: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        channels(text)
    assert str(refused.value).startswith(f"channels, {refusal}")


@pytest.mark.parametrize(
    "address",
    ["mailtos://me:hunter2secret@smtp.example.com", "x${SMTP_URL}", "[hunter2secret]", "hunter2secret"],
)
def test_an_address_in_the_file_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(BadConfiguration, match=r"line 3: expected a reference to the environment") as refused:
        channels(f"a:\n  kind: email\n  address: {address}\n")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "address", "refusal"),
    [
        ("email", "https://example.com/hunter2", "found one that does not start with mailto://"),
        ("email", "mailto://", "expected X as an address such as mailtos://"),
        ("email", "mailto://a:hunter2@h.com?to=b@h.com,c@h.com", "expected one recipient, found 2"),
        ("email", "mailto://a:hunter2@h.com?to=b@h.com&bcc=c@h.com", "expected one recipient, found 2"),
        ("webhook", "http://example.com/hunter2", "found http; only private_network: true allows it"),
        ("webhook", "ftp://example.com/hunter2", "found another form"),
        ("webhook", "https://example.com/a\tb", "found another form"),
        ("webhook", "https://example.com:port/hunter2", "found one that cannot be read"),
        ("webhook", "https:///hunter2", "found another form"),
        ("chat", "jsons://example.com/hunter2", "expected kind webhook for jsons://, found kind chat"),
        ("chat", "mailtos://a:hunter2@h.com", "expected kind email for mailtos://, found kind chat"),
        ("chat", "nonsense://hunter2", "expected X as an address such as tgram://"),
        ("chat", "tgram://hunter2", "expected X as an address such as tgram://"),
        ("chat", "ntfys://host/hunter2/two", "expected one target and no retry in X, found 2"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_without_its_secrets(
    kind: str, address: str, refusal: str
) -> None:
    channel = parse_channels(f"a:\n  kind: {kind}\n  address: ${{X}}\n", RULES, {"X": address})["a"]
    with pytest.raises(BadConfiguration, match="channel a: ") as refused:
        sender_of(channel, CHECKOUT)
    assert refusal in str(refused.value) and "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
