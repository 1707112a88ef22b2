"""A password is told to no mail server that cannot prove who it is."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lake.notify.channels import parse_channels
from lake.notify.message import trial_message
from lake.notify.outcome import Outcome
from lake.notify.senders import sender_of
from tests.mailboxes import MailServer, mail_server
from tests.notifications import CHECKOUT, NOON


def certificate(folder: Path) -> Path:
    """Write a certificate of 127.0.0.1 that is signed by itself, with its key, and return its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def sent(server: MailServer) -> Outcome:
    address = server.url("lake", "password").replace("mailto://", "mailtos://")
    channel = parse_channels("a:\n  kind: email\n  address: ${X}\n", (), {"X": address})["a"]
    return sender_of(channel, CHECKOUT).send(trial_message("a", NOON))


def context_of(path: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def test_a_server_nobody_vouches_for_is_told_nothing(tmp_path: Path) -> None:
    with mail_server(context_of(certificate(tmp_path))) as mail:
        outcome = sent(mail)
        assert outcome.kind == "failed" and "certificate" in outcome.detail
        assert not mail.logins and not mail.raw


def test_a_server_that_is_trusted_gets_the_email(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with mail_server(context_of(path)) as mail:
        assert sent(mail).kind == "sent"
        assert mail.logins == [("lake", "password")] and len(mail.raw) == 1
