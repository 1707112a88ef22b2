"""A real Superset over a throw-away lake, with the process that serves it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers import free_port

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SUPERSET = CHECKOUT / ".venv-superset" / "bin"
START_SECONDS = 180


@dataclass(frozen=True)
class SupersetServer:
    """A running Superset: its address, its administrator's password, its environment."""

    url: str
    password: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(START_SECONDS)

    @contextmanager
    def logged_in(self, user: str = "admin", password: str = "") -> Iterator[httpx.Client]:
        """Give a client with a user's token, and one against forged requests."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            client.headers["Authorization"] = f"Bearer {self._token(user, password or self.password)}"
            client.headers["X-CSRFToken"] = client.get("/api/v1/security/csrf_token/").json()["result"]
            client.headers["Referer"] = self.url
            yield client

    def log_in(self, password: str, user: str = "admin") -> httpx.Response:
        """Ask for a token."""
        login = {"username": user, "password": password, "provider": "db"}
        return httpx.post(f"{self.url}/api/v1/security/login", json=login, timeout=60)

    def _token(self, user: str, password: str) -> str:
        while (answer := self.log_in(password, user)).status_code == 429:
            time.sleep(1)
        return str(answer.json()["access_token"])


def superset_environment(folder: Path, lake_root: Path) -> dict[str, str]:
    """Return the environment of a Superset that writes below `folder` only."""
    own = ("SUPERSET", "FLASK", "LAKE", "PYTHONPATH")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(own)},
        "LAKE_HOME": str(CHECKOUT),
        "LAKE_ROOT": str(lake_root),
        "PYTHONPATH": str(CHECKOUT),
        "SUPERSET_HOME": str(folder / "superset"),
        "SUPERSET_CONFIG_PATH": str(CHECKOUT / "superset" / "superset_config.py"),
        "SUPERSET_SECRET_KEY": secrets.token_urlsafe(48),
        "SUPERSET_ADMIN_PASSWORD": secrets.token_urlsafe(12),
    }


def prepare_superset(environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the one command that prepares Superset, from another folder than the checkout."""
    process = start_preparing(environment, folder)
    out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def start_preparing(environment: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    """Start that command."""
    command = [str(SUPERSET / "python"), str(CHECKOUT / "superset" / "prepare.py")]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, cwd=folder, stdout=pipe, stderr=pipe, text=True)


def start_superset(environment: dict[str, str], folder: Path) -> SupersetServer:
    """Start Superset on a free port and return once it is healthy."""
    port = free_port()
    command = [str(SUPERSET / "gunicorn"), "-w", "1", "-k", "gthread", "--threads", "4", "--timeout", "120"]
    command += ["-b", f"127.0.0.1:{port}", "superset.app:create_app()"]
    with (folder / "superset.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    _wait_until_healthy(url, process, folder / "superset.log")
    return SupersetServer(url, environment["SUPERSET_ADMIN_PASSWORD"], environment, process)


def start_serve(environment: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    """Start the process that serves the lake and return once a served file is there."""
    with (folder / "serve.log").open("wb") as log:
        command = [sys.executable, "-m", "stack.serve"]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    deadline = time.monotonic() + START_SECONDS
    while not list(Path(environment["LAKE_ROOT"]).glob("_served/served-*.duckdb")):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"serve made no file: {(folder / 'serve.log').read_text()}")
        time.sleep(0.1)
    return process


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    process.kill()
    raise AssertionError(f"Superset did not become healthy: {log.read_text()[-3000:]}")
