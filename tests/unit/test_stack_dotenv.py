import base64
from pathlib import Path

import pytest

from stack.dotenv import SECRETS, completed, ensure_dotenv, values_of, with_environment
from tests.stacks import CHECKOUT

EXAMPLE = CHECKOUT / ".env.example"


def test_a_first_env_has_every_key_of_the_example_and_its_own_secrets(tmp_path: Path) -> None:
    first = ensure_dotenv(tmp_path / "a", EXAMPLE)
    second = ensure_dotenv(tmp_path / "b", EXAMPLE)
    assert first.keys() == values_of(EXAMPLE).keys()
    assert all(first[name] and first[name] != second[name] for name in SECRETS)
    assert len(first["AIRFLOW_JWT_SECRET"]) >= 64
    assert len(base64.urlsafe_b64decode(first["AIRFLOW_FERNET_KEY"])) == 32


def test_env_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    ensure_dotenv(path, EXAMPLE)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    ensure_dotenv(path, EXAMPLE)
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_stands_in_env_is_kept_to_the_letter(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    mine = "# mine\nexport AIRFLOW_PORT=9000\nMONGO_URL=mongodb://user:p%40ss$x@db/lake\nOTHER='a b'"
    path.write_text(mine)
    values = ensure_dotenv(path, EXAMPLE)
    assert path.read_text().startswith(mine + "\n")
    assert values["AIRFLOW_PORT"] == "9000"
    assert values["MONGO_URL"] == "mongodb://user:p%40ss$x@db/lake"
    assert values["OTHER"] == "a b"
    assert values["AIRFLOW_ADMIN_PASSWORD"]


def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    first = ensure_dotenv(path, EXAMPLE)
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert ensure_dotenv(path, EXAMPLE) == first
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_an_empty_secret_is_filled_and_an_empty_address_stays_empty() -> None:
    text = completed('LAKE_ROOT=\nAIRFLOW_JWT_SECRET=""\n', "LAKE_ROOT=\nAIRFLOW_JWT_SECRET=\n")
    lines = text.splitlines()
    assert lines[0] == "LAKE_ROOT="
    assert len(lines[1]) > 64
    assert len(lines) == 2


def test_the_environment_wins_over_env(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_PORT", "9123")
    assert with_environment({"AIRFLOW_PORT": "8080"}) == {"AIRFLOW_PORT": "9123"}
