"""The environment that the stack's processes run in."""

from __future__ import annotations

import json
import os
from pathlib import Path

from stack.installation import Installation

MARK = "LAKE_STACK"
"""Every process of the stack carries it, so that none is ever lost or mistaken."""

LOGS_IN_ITS_SIGNAL_HANDLER = (
    "airflow.jobs.scheduler_job_runner",
    "airflow.dag_processing.manager",
    "airflow.jobs.triggerer_job_runner",
)


def environment_of(installation: Installation) -> dict[str, str]:
    """Return the whole environment of the process manager and everything below it."""
    return {
        **_preferences(installation),
        **os.environ,
        **_lake(installation),
        **_airflow(installation),
        **_superset(installation),
        **_supervisor(installation),
        MARK: str(installation.var),
        f"{MARK}_FINGERPRINT": installation.fingerprint,
        "SPT_NOENV": "1",  # process titles must not overwrite the mark
        "NO_PROXY": _without_proxy(),
        "no_proxy": _without_proxy(),
    }


def write_airflow_logins(installation: Installation) -> Path:
    """Write Airflow's user and password where it reads them, for its owner alone."""
    path = _passwords_file(installation)
    content = json.dumps({"admin": installation.values["AIRFLOW_ADMIN_PASSWORD"]}) + "\n"
    if not path.exists() or path.read_text() != content:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
    path.chmod(0o600)
    return path


def _lake(installation: Installation) -> dict[str, str]:
    return {
        "LAKE_HOME": str(installation.home),
        "LAKE_ROOT": installation.values["LAKE_ROOT"],
        "MONGO_URL": installation.values["MONGO_URL"],
        # Empty where the stack's own broker chooses its address and writes it to var/run/broker.env.
        "KAFKA_BOOTSTRAP_SERVERS": installation.values["KAFKA_BOOTSTRAP_SERVERS"],
        "PYTHONPATH": str(installation.home),
    }


def _superset(installation: Installation) -> dict[str, str]:
    return {
        "SUPERSET_HOME": str(installation.var / "superset"),
        "SUPERSET_CONFIG_PATH": str(installation.home / "superset" / "superset_config.py"),
        "SUPERSET_PORT": str(installation.superset_port),
        "SUPERSET_ADMIN_PASSWORD": installation.values["SUPERSET_ADMIN_PASSWORD"],
        "SUPERSET_SECRET_KEY": installation.values["SUPERSET_SECRET_KEY"],
        "FLASK_APP": "superset",
    }


def _supervisor(installation: Installation) -> dict[str, str]:
    return {
        "STACK_BIN": str(installation.bin),
        "STACK_STREAM_BIN": str(installation.stream_bin),
        "STACK_SUPERSET_BIN": str(installation.superset_bin),
        "STACK_VAR": str(installation.var),
        "STACK_SOCKET": str(installation.socket),
        "STACK_MONGO_PORT": str(installation.mongo_address[1]),
        "STACK_MONGO_AUTOSTART": str(installation.has_own_mongo).lower(),
        "STACK_BROKER": installation.broker_command,
        "STACK_BROKER_AUTOSTART": str(installation.has_own_broker).lower(),
        "STACK_SIMULATION_SPEED": str(installation.simulation_speed),
    }


def _airflow(installation: Installation) -> dict[str, str]:
    """Return what has to be so: places, addresses, logins."""
    home, url, values = installation.airflow_home, installation.airflow_url, installation.values
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(installation.home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(installation.home / "plugins"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(installation.task_logs),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}?timeout=30",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords_file(installation)),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(installation.airflow_port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API_AUTH__JWT_SECRET": values["AIRFLOW_JWT_SECRET"],
        "AIRFLOW__API__SECRET_KEY": values["AIRFLOW_API_SECRET_KEY"],
        "AIRFLOW__CORE__FERNET_KEY": values["AIRFLOW_FERNET_KEY"],
    }


def _preferences(installation: Installation) -> dict[str, str]:
    """Return what a person may set otherwise in the environment."""
    return {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": str(installation.parallelism),
        "AIRFLOW__API__WORKERS": "1",
        # A finished task is noticed at the latest after this many seconds, so a stop is quick too.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "15",
        # Their signal handlers log, and a signal that meets the main thread inside a log write waits
        # for itself for ever: silent at this level, they always stop.
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": " ".join(
            f"{name}=WARNING" for name in LOGS_IN_ITS_SIGNAL_HANDLER
        ),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",  # macOS kills Airflow's forked workers without it
    }


def _without_proxy() -> str:
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return ",".join(filter(None, [given, "127.0.0.1", "localhost"]))


def _passwords_file(installation: Installation) -> Path:
    return installation.airflow_home / "passwords.json"
