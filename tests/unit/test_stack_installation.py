import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lake.errors import BadConfiguration
from stack import processes
from stack.environment import MARK, environment_of, write_airflow_logins
from stack.errors import PortTaken
from stack.installation import LONGEST_SOCKET_PATH, Installation, create_installation, find_installation
from stack.processes import manager_of, processes_of, refuse_taken_ports, stop
from tests.servers import free_port
from tests.stacks import CHECKOUT, OWN


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith(OWN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AIRFLOW_PORT", str(free_port()))
    monkeypatch.setenv("SUPERSET_PORT", str(free_port()))
    monkeypatch.setenv("MONGO_URL", f"mongodb://127.0.0.1:{free_port()}/lake")
    shutil.copy(CHECKOUT / ".env.example", tmp_path)
    return tmp_path


@pytest.fixture
def installation(home: Path) -> Installation:
    return create_installation(home)


def test_the_lake_is_below_var_unless_somebody_says_otherwise(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert create_installation(home).values["LAKE_ROOT"] == str(home / "var" / "lake")
    monkeypatch.setenv("LAKE_ROOT", "/elsewhere")
    assert environment_of(create_installation(home))["LAKE_ROOT"] == "/elsewhere"
    monkeypatch.setenv("LAKE_ROOT", "data/lake")
    assert environment_of(create_installation(home))["LAKE_ROOT"] == str(home / "data" / "lake")
    monkeypatch.setenv("LAKE_ROOT", "s3://bucket/lake")
    assert environment_of(create_installation(home))["LAKE_ROOT"] == "s3://bucket/lake"


def test_looking_writes_nothing(home: Path) -> None:
    before = sorted(home.rglob("*"))
    find_installation(home)
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize("value", ["", "http", "0", "65536", "-1", "80 "])
def test_a_port_that_is_none_is_refused_with_its_name(
    home: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("AIRFLOW_PORT", value)
    with pytest.raises(BadConfiguration, match=r"AIRFLOW_PORT as a number from 1 to 65,535, found '"):
        create_installation(home)


def test_a_mongo_address_that_is_none_is_refused_without_its_password(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGO_URL", "postgres://me:hunter2@db/lake")
    with pytest.raises(BadConfiguration, match="MONGO_URL") as caught:
        create_installation(home)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("server", "url", "is_own"),
    [
        ("embedded", "mongodb://127.0.0.1:27017/lake", True),
        ("embedded", "mongodb://localhost/lake", True),
        ("embedded", "mongodb://db.example:27017/lake", False),
        ("external", "mongodb://127.0.0.1:27017/lake", False),
    ],
)
def test_mongodb_is_started_only_where_it_is_ours(
    home: Path, monkeypatch: pytest.MonkeyPatch, server: str, url: str, is_own: bool
) -> None:
    monkeypatch.setenv("MONGO_SERVER", server)
    monkeypatch.setenv("MONGO_URL", url)
    installation = create_installation(home)
    assert installation.has_own_mongo is is_own
    assert ("MONGO_URL" in installation.ports) is is_own
    assert environment_of(installation)["STACK_MONGO_AUTOSTART"] == str(is_own).lower()


@pytest.mark.parametrize(
    ("kind", "address", "command", "is_own"),
    [
        ("embedded", "", "stack.broker", True),
        ("apache", "", "stack.kafka --port 19500", True),
        ("embedded", "kafka.example:9092", "stack.broker", False),
    ],
)
def test_a_broker_is_started_unless_somebody_names_another(
    home: Path, monkeypatch: pytest.MonkeyPatch, kind: str, address: str, command: str, is_own: bool
) -> None:
    monkeypatch.setenv("BROKER", kind)
    monkeypatch.setenv("KAFKA_PORT", "19500")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", address)
    installation = create_installation(home)
    environment = environment_of(installation)
    assert environment["STACK_BROKER"] == command
    assert ("KAFKA_PORT" in installation.ports) is (kind == "apache")
    assert environment["STACK_BROKER_AUTOSTART"] == str(is_own).lower()
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == address


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("BROKER", "rabbit", "expected BROKER as one of embedded, apache, found 'rabbit'"),
        ("SIMULATION_SPEED", "fast", "expected SIMULATION_SPEED as a number from 0 to 100,000, found 'fast'"),
        ("SUPERSET_PORT", "0", "expected SUPERSET_PORT as a number from 1 to 65,535, found '0'"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_name(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadConfiguration, match=sentence):
        create_installation(home)


def test_programs_of_the_other_environments_may_be_elsewhere(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert installation.stream_bin == installation.home / ".venv-stream" / "bin"
    monkeypatch.setenv("VENV_SUPERSET", "/opt/superset")
    assert installation.superset_bin == Path("/opt/superset/bin")


def test_a_command_that_waits_for_the_broker_starts_when_it_answers(
    home: Path, installation: Installation
) -> None:
    environment = {**environment_of(installation), "LAKE_HOME": str(home)}
    waiting = subprocess.Popen(
        [sys.executable, "-m", "stack.wait", "broker", "--", sys.executable, "-c", "print('started')"],
        cwd=CHECKOUT,
        env={**environment, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        installation.broker_file.write_text(f"KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:{port}\n")
        assert waiting.communicate(timeout=300)[0] == "started\n"


def test_a_taken_port_is_named_with_the_process_that_holds_it(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", installation.airflow_port)):
        with pytest.raises(PortTaken, match=f"port {installation.airflow_port} free for Airflow") as caught:
            refuse_taken_ports(installation)
        if Path("/proc").is_dir():
            assert f"process {os.getpid()} " in str(caught.value)
        assert "AIRFLOW_PORT" in str(caught.value)
    refuse_taken_ports(installation)


def test_everything_listens_on_this_machine_only(installation: Installation) -> None:
    environment = environment_of(installation)
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    conf = (CHECKOUT / "stack" / "supervisord.conf").read_text()
    assert "--host 127.0.0.1" in conf
    assert conf.count("--skip-serve-logs") == 2


def test_logins_are_readable_by_their_owner_alone(installation: Installation) -> None:
    path = write_airflow_logins(installation)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert installation.values["AIRFLOW_ADMIN_PASSWORD"] in path.read_text()


def test_a_person_may_tune_airflow_but_not_move_it(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL", "99")
    monkeypatch.setenv("AIRFLOW_HOME", "/somewhere/else")
    environment = environment_of(installation)
    assert environment["AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL"] == "99"
    assert environment["AIRFLOW_HOME"] == str(installation.airflow_home)


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_a_proxy_is_never_asked_for_this_machine(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv(name, "intranet")
    environment = environment_of(installation)
    assert environment["no_proxy"] == environment["NO_PROXY"] == "intranet,127.0.0.1,localhost"


def test_a_deep_checkout_gets_a_socket_that_systems_accept(tmp_path: Path) -> None:
    deep = Installation(tmp_path / ("d" * 60) / ("e" * 60), {})
    assert len(str(deep.socket)) <= LONGEST_SOCKET_PATH
    assert deep.socket != Installation(tmp_path / ("f" * 60) / ("e" * 60), {}).socket


@pytest.mark.parametrize("content", ["", "not a number", "99999999", "own"])
def test_a_stale_pid_file_is_no_manager(installation: Installation, content: str) -> None:
    text = str(os.getpid()) if content == "own" else content
    (installation.var / "run" / "supervisord.pid").write_text(text)
    assert manager_of(installation) is None
    assert processes_of(installation) == []


def test_orphans_are_found_and_end_even_if_they_ignore_being_asked(installation: Installation) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); "
        "time.sleep(99)"
    )
    environment = {**os.environ, MARK: str(installation.var)}
    process = subprocess.Popen(
        [sys.executable, "-c", stubborn], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.readline()
    assert [found.pid for found in processes_of(installation)] == [process.pid]
    with pytest.MonkeyPatch.context() as patch:
        rounds = [(end, 0.2, only_parents) for end, _, only_parents in processes.ORPHAN_ROUNDS]
        patch.setattr(processes, "ORPHAN_ROUNDS", rounds)
        assert stop(installation) == 1
    assert process.wait(10) == -signal.SIGKILL
    process.stdout.close()
    assert processes_of(installation) == []
