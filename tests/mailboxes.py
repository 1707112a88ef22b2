"""Real local recipients of messages: a mail server and a webhook server that can be told to misbehave."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port


@dataclass
class MailServer:
    """What a mail server was given. `answers` are used up one by one; after them all is taken.

    `drop` takes the text and ends the connection without a word; anything else is the answer itself.
    """

    port: int
    answers: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)

    def letters(self) -> list[Message]:
        """Return the emails it was given, those it did not confirm included."""
        return [message_from_bytes(raw, policy=default) for raw in self.raw]

    def url(self, user: str = "", password: str = "", to: str = "me@example.com") -> str:
        """Return its address as Apprise writes it."""
        login = f"{user}:{password}@" if user else ""
        return f"mailto://{login}127.0.0.1:{self.port}?from=lake@example.com&to={to}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a text, or do what was asked for."""
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer in ("250 taken", "drop"):
            self.raw.append(envelope.original_content or b"")
        if answer == "drop":
            server.transport.abort()
        return answer

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        """Let in whoever has a name, unless the next answer is a refusal."""
        self.logins.append((data.login.decode(), data.password.decode()))
        if self.answers and self.answers[0].startswith("535"):
            return AuthResult(success=False, handled=False, message=self.answers.pop(0))
        return AuthResult(success=True)


@contextmanager
def mail_server(certificate: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Run a mail server on a free port; with a certificate it asks for STARTTLS before anything else."""
    server = MailServer(free_port())
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=server.port,
        authenticator=server.authenticate,
        auth_require_tls=certificate is not None,
        require_starttls=certificate is not None,
        tls_context=certificate,
        ready_timeout=60,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@dataclass
class HookServer:
    """What a webhook server was given. `answers` are used up one by one; after them all is 200.

    An answer is a status, a status with headers, `silent` (takes the request and says nothing) or
    `reset` (takes the request and breaks the connection).
    """

    port: int
    answers: list[Any] = field(default_factory=list)
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/alerts") -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}{path}"

    def keys(self) -> list[str]:
        """Return the Idempotency-Key of each request."""
        return [headers["Idempotency-Key"] for headers, _ in self.requests]


@contextmanager
def hook_server() -> Iterator[HookServer]:
    """Run a webhook server on a free port."""
    hook = HookServer(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.requests.append((dict(self.headers), body))
            hook.asked.set()
            answer = hook.answers.pop(0) if hook.answers else 200
            if answer == "silent":
                hook.released.wait()
            elif answer == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self._answer(*(answer if isinstance(answer, tuple) else (answer, {})))

        def _answer(self, status: int, headers: dict[str, str]) -> None:
            # What a careless server says about a request that it did not like: all of it.
            said = f"{self.path} {self.headers.get('Authorization', '')}".encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(said))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hook
    finally:
        hook.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
