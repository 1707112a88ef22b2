"""Throw-away checkouts and Airflow homes, so that no test meets a stack that somebody uses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.lakes import ODD_FOLDER
from tests.servers import free_port

CHECKOUT = Path(__file__).resolve().parent.parent
LEFT_OUT = (".git", ".venv*", ".tools", ".env", "var", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis")
OWN = (
    "AIRFLOW",
    "LAKE_",
    "MONGO_",
    "STACK_",
    "KAFKA_",
    "BROKER",
    "REDIS_",
    "SUPERSET_",
    "SIMULATION_",
    "YAHOO_",
)


def copy_checkout(folder: Path) -> Path:
    """Return a copy of this checkout as a stranger would clone it: nothing built, nothing run."""
    return Path(shutil.copytree(CHECKOUT, folder / "checkout", ignore=shutil.ignore_patterns(*LEFT_OUT)))


def stack_environment(home: Path) -> dict[str, str]:
    """Return an environment with free ports, an empty home and this run's programs."""
    home.mkdir(exist_ok=True)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(OWN)},
        "HOME": str(home),
        "VENV": str(Path(sys.executable).parent.parent),
        "VENV_STREAM": str(CHECKOUT / ".venv-stream"),
        "VENV_SUPERSET": str(CHECKOUT / ".venv-superset"),
        "AIRFLOW_PORT": str(free_port()),
        "SUPERSET_PORT": str(free_port()),
        "SIMULATION_SPEED": "600",
        "MONGO_URL": f"mongodb://127.0.0.1:{free_port()}/lake",
    }


def airflow_environment(folder: Path, home: Path = CHECKOUT) -> dict[str, str]:
    """Return an environment in which Airflow knows the DAGs of `home` and writes only below `folder`."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(OWN)},
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "LAKE_ROOT": str(folder / ODD_FOLDER),
        "PYTHONPATH": str(home),
    }


def make(
    checkout: Path, environment: dict[str, str], *arguments: str, seconds: float = 900
) -> subprocess.CompletedProcess[str]:
    """Run `make` in a checkout; after `seconds` it ends with everything it started in the foreground."""
    command = ["make", "--no-print-directory", *arguments]
    with subprocess.Popen(
        command,
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
