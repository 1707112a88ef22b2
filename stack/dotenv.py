"""`.env`: addresses and generated secrets, written once and never overwritten."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

SECRETS = (
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_API_SECRET_KEY",
    "AIRFLOW_FERNET_KEY",
    "SUPERSET_ADMIN_PASSWORD",
    "SUPERSET_SECRET_KEY",
)


def ensure_dotenv(path: Path, example: Path) -> dict[str, str]:
    """Create or complete `path` from `example`, readable by its owner alone, and return its values.

    Keys that `path` lacks are appended; a secret that is empty is generated; nothing else changes.
    """
    before = path.read_text() if path.exists() else ""
    text = completed(before, example.read_text())
    if text != before or (path.stat().st_mode & 0o777) != 0o600:
        _write_private(path, text)
    return values_of(path)


def values_of(path: Path) -> dict[str, str]:
    """Return the values of a `.env`; a missing file has none."""
    return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}


def completed(text: str, example: str) -> str:
    """Return the text of a `.env` with every key of the example and every secret filled in."""
    if not text:
        text = example
    else:
        missing = [line for line in example.splitlines() if (key := _key(line)) and key not in _keys(text)]
        if missing:
            text = "\n".join([text.rstrip("\n"), *missing]) + "\n"
    return "".join(_filled(line) for line in text.splitlines(keepends=True))


def with_environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values with those of the process environment put over them."""
    return {name: os.environ.get(name, value) for name, value in values.items()}


def generated(name: str) -> str:
    """Return a new secret for a key of `SECRETS`."""
    if name == "AIRFLOW_FERNET_KEY":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(12 if name.endswith("_PASSWORD") else 64)


def _filled(line: str) -> str:
    key = _key(line)
    is_empty = line.partition("=")[2].strip() in ("", '""', "''")
    return f"{key}={generated(key)}\n" if key in SECRETS and is_empty else line


def _keys(text: str) -> set[str]:
    return {key for line in text.splitlines() if (key := _key(line))}


def _key(line: str) -> str:
    name, found, _ = line.strip().removeprefix("export ").partition("=")
    return name.strip() if found and not name.startswith("#") else ""


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)
