"""One installation of the stack: its folders, addresses and secrets."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from lake.config import CHECKOUT, load_settings
from lake.errors import BadConfiguration
from stack.dotenv import ensure_dotenv, values_of, with_environment

LOOPBACK = ("127.0.0.1", "localhost")

BROKERS = ("embedded", "apache")
"""Kinds of broker that the stack can run itself."""

FASTEST = 100_000
"""The highest speed of a simulation, in times real time."""

LONGEST_SOCKET_PATH = 90
"""Systems allow 103 bytes and more; supervisor adds its process number while it binds."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where everything of one checkout's stack is; `values` are those of `.env` and the environment."""

    home: Path
    values: dict[str, str]

    @property
    def var(self) -> Path:
        """Return the folder of everything the stack writes."""
        return self.home / "var"

    @property
    def logs(self) -> Path:
        """Return the folder of the servers' logs."""
        return self.var / "log"

    @property
    def airflow_home(self) -> Path:
        """Return Airflow's own folder."""
        return self.var / "airflow"

    @property
    def task_logs(self) -> Path:
        """Return the folder of the logs of Airflow's tasks."""
        return self.airflow_home / "logs"

    @property
    def bin(self) -> Path:
        """Return the folder of the environment's programs."""
        return Path(sys.executable).parent

    @property
    def stream_bin(self) -> Path:
        """Return the folder of the programs of the Faust environment."""
        return self._environment("VENV_STREAM", ".venv-stream") / "bin"

    @property
    def superset_bin(self) -> Path:
        """Return the folder of the programs of the Superset environment."""
        return self._environment("VENV_SUPERSET", ".venv-superset") / "bin"

    def _environment(self, variable: str, folder: str) -> Path:
        return self.home / (os.environ.get(variable) or folder)

    @property
    def broker_file(self) -> Path:
        """Return the file in which the stack's own broker says where it is."""
        return self.var / "run" / "broker.env"

    @property
    def socket(self) -> Path:
        """Return supervisor's control socket; a deep checkout gets it in a private folder of /tmp."""
        path = self.var / "run" / "supervisor.sock"
        if len(str(path)) <= LONGEST_SOCKET_PATH:
            return path
        name = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return Path("/tmp") / f"stock-lake-{os.getuid()}-{name}" / "supervisor.sock"

    @property
    def airflow_port(self) -> int:
        """Return the port of Airflow's page and API."""
        return _number(self.values, "AIRFLOW_PORT", 1, 65_535)

    @property
    def parallelism(self) -> int:
        """Return how many tasks run at once."""
        return _number(self.values, "AIRFLOW_PARALLELISM", 1, 1_000)

    @property
    def superset_port(self) -> int:
        """Return the port of Superset's page."""
        return _number(self.values, "SUPERSET_PORT", 1, 65_535)

    @property
    def simulation_speed(self) -> int:
        """Return how many times faster than real time a simulated session is played; 0 plays none."""
        return _number(self.values, "SIMULATION_SPEED", 0, FASTEST)

    @property
    def has_own_broker(self) -> bool:
        """Return whether the stack starts a broker: nobody named the address of another."""
        return not self.values["KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def runs_apache_kafka(self) -> bool:
        """Return whether the stack's own broker is an Apache Kafka: it keeps its topics and its port."""
        name = self.values["BROKER"]
        if name not in BROKERS:
            raise BadConfiguration(f"expected BROKER as one of {', '.join(BROKERS)}, found {name!r}")
        return self.has_own_broker and name == "apache"

    @property
    def broker_command(self) -> str:
        """Return what Python runs as the stack's own broker: a module and its options."""
        return f"stack.kafka --port {self.kafka_port}" if self.runs_apache_kafka else "stack.broker"

    @property
    def kafka_port(self) -> int:
        """Return the port of the stack's own Apache Kafka; its controller takes the one 100 above it."""
        return _number(self.values, "KAFKA_PORT", 1, 65_435)

    @property
    def superset_url(self) -> str:
        """Return Superset's address."""
        return f"http://127.0.0.1:{self.superset_port}"

    @property
    def airflow_url(self) -> str:
        """Return Airflow's address."""
        return f"http://127.0.0.1:{self.airflow_port}"

    @property
    def mongo_address(self) -> tuple[str, int]:
        """Return the first host and port of MONGO_URL."""
        try:
            host, port = parse_uri(self.values["MONGO_URL"])["nodelist"][0]
        except (PyMongoError, ValueError) as error:
            raise BadConfiguration(
                f"expected MONGO_URL such as mongodb://127.0.0.1:27017/lake, found a value with this fault: "
                f"{error}; correct it in the environment or in {self.home / '.env'}"
            ) from error
        return host, port or 27_017

    @property
    def has_own_mongo(self) -> bool:
        """Return whether the stack starts MongoDB: it is asked to, and the address is this machine."""
        server = self.values["MONGO_SERVER"]
        if server not in ("embedded", "external"):
            raise BadConfiguration(f"expected MONGO_SERVER as embedded or external, found {server!r}")
        return server == "embedded" and self.mongo_address[0] in LOOPBACK

    @property
    def ports(self) -> dict[str, tuple[str, int]]:
        """Return what the stack will listen on: variable that sets it, part's name and port."""
        mongo = {"MONGO_URL": ("MongoDB", self.mongo_address[1])} if self.has_own_mongo else {}
        kafka = {"KAFKA_PORT": ("Kafka", self.kafka_port)} if self.runs_apache_kafka else {}
        return {
            **mongo,
            **kafka,
            "AIRFLOW_PORT": ("Airflow", self.airflow_port),
            "SUPERSET_PORT": ("Superset", self.superset_port),
        }

    @property
    def fingerprint(self) -> str:
        """Return a digest of everything a running stack was started with."""
        text = json.dumps([self.values, str(self.bin)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def create_installation(home: Path = CHECKOUT) -> Installation:
    """Write `.env` and the folders where they are missing, and return the installation.

    Raises:
        BadConfiguration: an address or number in `.env` or the environment cannot be used.
    """
    installation = _of(home, ensure_dotenv(home / ".env", home / ".env.example"))
    for folder in ("run", "log", "mongo", "airflow/logs", "superset"):
        (installation.var / folder).mkdir(parents=True, exist_ok=True)
    installation.socket.parent.mkdir(mode=0o700, exist_ok=True)
    return installation


def find_installation(home: Path = CHECKOUT) -> Installation:
    """Return the installation as it is, without writing anything."""
    return _of(home, {**values_of(home / ".env.example"), **values_of(home / ".env")})


def _of(home: Path, dotenv: dict[str, str]) -> Installation:
    values = with_environment(dotenv)
    root = load_settings(lake_home=home).lake_root
    values["LAKE_ROOT"] = root if "://" in root else str(home / root)
    installation = Installation(home, values)
    _ = (
        installation.ports,
        installation.parallelism,
        installation.simulation_speed,
        installation.broker_command,
    )
    return installation


def _number(values: dict[str, str], name: str, least: int, most: int) -> int:
    text = values[name]
    if not text.isdecimal() or not least <= int(text) <= most:
        raise BadConfiguration(f"expected {name} as a number from {least} to {most:,}, found {text!r}")
    return int(text)
