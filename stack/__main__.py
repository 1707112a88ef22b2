"""`python -m stack up|down|status|logs`: the local stack of this checkout."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lake.config import load_settings
from lake.errors import LakeError
from stack.airflow_api import AirflowApi
from stack.environment import environment_of, write_airflow_logins
from stack.errors import StackFailed
from stack.installation import Installation, create_installation, find_installation
from stack.kafka import refuse_missing_java
from stack.pipeline import run_pipeline
from stack.processes import (
    manager_of,
    memory_of,
    parts,
    refuse_taken_ports,
    runs_otherwise,
    servers,
    start_manager,
    start_missing,
    stop,
    stop_orphans,
)
from stack.readiness import (
    migrate_airflow,
    wait_for_airflow,
    wait_for_broker,
    wait_for_mongo,
    wait_for_superset,
)
from stack.session import play_session

FIRST_ALERTS = (
    "select ts, symbol, timeframe, rule, side, price, reason from alerts "
    "where origin = 'stream' order by fired_at desc limit 5"
)

FIRST_RESULT = (
    "select r.strategy, m.symbol, m.trades, m.wins, m.losses, m.profit "
    "from sandbox_metrics m join sandbox_runs r using (run_id) order by r.strategy, m.symbol limit 10"
)


def main() -> int:
    """Run one command; a failure ends in one sentence and exit code 1."""
    commands = {"up": up, "down": down, "status": status, "logs": logs}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(
            f"expected one of {', '.join(commands)}, found {' '.join(sys.argv[1:]) or 'nothing'}",
            file=sys.stderr,
        )
        return 2
    try:
        return commands[sys.argv[1]]()
    except LakeError as error:
        print(f"\n{error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ninterrupted; what was started goes on, `make down` stops it", file=sys.stderr)
    return 1


def up() -> int:
    """Start what does not run, run the pipeline through Airflow, and print where everything is."""
    tell = _clocked()
    installation = create_installation()
    with _alone(installation):
        _start(installation, tell)
        with AirflowApi(installation) as api:
            run_pipeline(api, installation, tell)
        play_session(installation, tell)
        wait_for_superset(installation)
        tell("Superset answers")
    _print_result(installation, FIRST_RESULT)
    if installation.simulation_speed:
        _print_result(installation, FIRST_ALERTS)
    _print_addresses(installation)
    return 0


def down() -> int:
    """Stop everything in order."""
    installation = find_installation()
    if not installation.var.exists():
        print("nothing runs")
        return 0
    with _alone(installation):
        ended = stop(installation)
    print(f"stopped: {ended} processes ended, none is left" if ended else "nothing runs")
    return 0


def status() -> int:
    """Print the state of every server; exit code 3 if the stack runs and one of its parts does not."""
    installation = find_installation()
    found = parts(installation) if manager_of(installation) else []
    if not found:
        print("nothing runs; `make up` starts the stack")
        return 0
    for part in found:
        print(f"  {part.name:<24}{part.state:<10}{part.description}")
    _print_addresses(installation)
    wanted = servers(installation)
    return 0 if all(part.state == "RUNNING" for part in found if part.name in wanted) else 3


def logs() -> int:
    """Follow the servers' logs until interrupted."""
    files = sorted(str(path) for path in find_installation().logs.glob("*.log"))
    if not files:
        raise StackFailed("there are no logs yet; `make up` starts the stack")
    os.execvp("tail", ["tail", "-n", "20", "-F", *files])


def _start(installation: Installation, tell: Callable[[str], None]) -> None:
    manager = manager_of(installation)
    if manager and runs_otherwise(manager, installation):
        raise StackFailed("the stack runs with other settings than .env has now; run `make down` first")
    write_airflow_logins(installation)
    if manager:
        start_missing(installation)
        tell("the stack runs already")
    else:
        stop_orphans(installation)
        refuse_taken_ports(installation)
        if installation.runs_apache_kafka:
            refuse_missing_java()
        migrate_airflow(installation)
        tell("Airflow's database is up to date")
        start_manager(installation)
    if installation.has_own_mongo:
        wait_for_mongo(installation)
        tell("MongoDB answers")
    wait_for_broker(installation)
    tell("Kafka answers")
    wait_for_airflow(installation)
    tell("Airflow is healthy")


@contextmanager
def _alone(installation: Installation) -> Iterator[None]:
    """Hold off a second `up` or `down` of the same checkout."""
    path = installation.var / "run" / "stack.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackFailed("another `make up` or `make down` is at work here; wait for it") from error
        yield


def _clocked() -> Callable[[str], None]:
    began_at = time.monotonic()
    return lambda text: print(f"  {time.monotonic() - began_at:6.1f} s  {text}", flush=True)


def _print_result(installation: Installation, query: str) -> None:
    print(f'\n$ lake sql "{query}"', flush=True)
    command = [sys.executable, "-c", "from lake.cli import main; main()", "sql", query]
    done = subprocess.run(command, env=environment_of(installation), cwd=installation.home)
    if done.returncode:
        raise StackFailed("the lake did not answer the query above")


def _print_addresses(installation: Installation) -> None:
    values = installation.values
    settings = load_settings(lake_home=installation.home, lake_root=values["LAKE_ROOT"])
    host, port = installation.mongo_address
    print(f"\n  Superset  {installation.superset_url}   login admin / {values['SUPERSET_ADMIN_PASSWORD']}")
    print(f"  Airflow   {installation.airflow_url}   login admin / {values['AIRFLOW_ADMIN_PASSWORD']}")
    print(f"  Kafka     {settings.kafka_bootstrap_servers}")
    print(f"  MongoDB   {host}:{port}")
    print(f"  Lake      {values['LAKE_ROOT']}")
    print(f"  Memory    {memory_of(installation):.1f} GiB")
    print(f"  Messages  {settings.local_folder / '_messages' / 'alerts.log'}")


if __name__ == "__main__":
    sys.exit(main())
