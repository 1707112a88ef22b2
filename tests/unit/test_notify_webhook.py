"""A webhook calls the public internet and nothing else, and understands Retry-After."""

import socket

import pytest

from lake.notify.channels import parse_channels
from lake.notify.message import trial_message
from lake.notify.senders import sender_of
from lake.notify.senders.webhook import is_public
from tests.mailboxes import hook_server
from tests.notifications import CHECKOUT, NOON

PRIVATE = [
    "0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3",
    "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "ff02::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]

LOCAL_NAMES = [
    "localhost", "LOCALHOST", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001",
    "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "127.0.0.1.",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_of_own_networks_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", LOCAL_NAMES)
def test_no_spelling_of_this_machine_is_called(host: str) -> None:
    with hook_server() as hook:
        environment = {"X": f"https://{host}:{hook.port}/alerts"}
        channel = parse_channels("a:\n  kind: webhook\n  address: ${X}\n", (), environment)["a"]
        outcome = sender_of(channel, CHECKOUT).send(trial_message("a", NOON))
        assert outcome.kind == "failed" and not hook.requests


def test_a_name_that_is_answered_once_safely_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between check and call a resolver may change its mind; the address that was checked is called."""
    asked: list[str] = []
    called: list[object] = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        place = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port))]

    def connect(place: object, **_: object) -> socket.socket:
        called.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    channel = parse_channels(
        "a:\n  kind: webhook\n  address: ${X}\n", (), {"X": "https://rebinding.example.com/"}
    )["a"]
    sender_of(channel, CHECKOUT).send(trial_message("a", NOON))
    assert asked == ["rebinding.example.com"] and called == [("8.8.8.8", 443)]


def test_one_forbidden_address_among_several_forbids_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port)) for place in ("8.8.8.8", "10.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    environment = {"X": "https://both.example.com/"}
    channel = parse_channels("a:\n  kind: webhook\n  address: ${X}\n", (), environment)["a"]
    outcome = sender_of(channel, CHECKOUT).send(trial_message("a", NOON))
    assert outcome.kind == "failed" and "public internet" in outcome.detail
