"""Settings of one installation: where the lake, the broker and the servers are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lake.errors import BadConfiguration

CHECKOUT = Path(__file__).resolve().parent.parent

NOT_IN_A_PATH = "%[]^|\\"
"""What delta-rs takes for something else in the path of a folder, or does not survive."""


class Settings(BaseSettings):
    """Addresses and folders, from the environment first and `.env` of the checkout second.

    `lake_root` is a folder or an object-store address; every table lives below it.
    `var/run/broker.env` is read after `.env`, because the embedded broker chooses its own port;
    `broker_epoch` is what that broker calls its one life, empty where a real one keeps its topics.
    `yahoo_url` stands for all of Yahoo's hosts; empty means themselves. `lake_threads` compute columns
    at once, 0 for one a core; `lake_chunk` symbols have their bars in memory at once.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    lake_home: Path = CHECKOUT
    lake_root: str = ""
    kafka_bootstrap_servers: str = "127.0.0.1:19092"
    mongo_url: str = "mongodb://127.0.0.1:27017/lake"
    redis_url: str = ""
    broker_epoch: str = ""
    yahoo_url: str = ""
    lake_threads: int = Field(default=0, ge=0, le=256)
    lake_chunk: int = Field(default=50, ge=1, le=100_000)

    @model_validator(mode="before")
    @classmethod
    def _default_root(cls, values: dict[str, Any]) -> dict[str, Any]:
        if not values.get("lake_root"):
            home = Path(values.get("lake_home") or CHECKOUT)
            values["lake_root"] = str(home / "var" / "lake")
        return values

    @field_validator("lake_root")
    @classmethod
    def _is_usable(cls, root: str) -> str:
        if "://" not in root and any(each in NOT_IN_A_PATH or not each.isprintable() for each in root):
            raise ValueError(f"expected a path without {' '.join(NOT_IN_A_PATH)}, which Delta Lake misreads")
        return root

    @property
    def sql_folder(self) -> Path:
        """Return the folder of the catalog's views."""
        return self.lake_home / "sql"

    @property
    def conf_folder(self) -> Path:
        """Return the folder of the files that users edit."""
        return self.lake_home / "conf"

    @property
    def local_folder(self) -> Path:
        """Return the folder of this machine's files beside the tables: outbox, served files, messages."""
        return Path(self.lake_root) if "://" not in self.lake_root else self.var_folder / "local"

    @property
    def var_folder(self) -> Path:
        """Return the folder of everything this machine writes beside the lake itself."""
        return self.lake_home / "var"


def load_settings(**overrides: Any) -> Settings:
    """Return the settings of this process.

    Raises:
        BadConfiguration: a variable has a value that cannot be used.
    """
    home = Path(overrides.get("lake_home") or _home_from_environment())
    files = (home / ".env", home / "var" / "run" / "broker.env")
    try:
        return Settings(_env_file=files, **{"lake_home": home, **overrides})  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise BadConfiguration(
            f"{name} was {first['input']!r}: {reason}; correct it in the environment or in {files[0]}"
        ) from error


def _home_from_environment() -> Path:
    import os

    return Path(os.environ.get("LAKE_HOME") or CHECKOUT)
