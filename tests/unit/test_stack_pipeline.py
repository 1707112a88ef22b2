import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stack.airflow_api import Run, TaskTry
from stack.installation import Installation
from stack.pipeline import log_of, reason_in


def test_the_log_of_a_task_is_where_airflow_writes_it(tmp_path: Path) -> None:
    installation = Installation(tmp_path, {})
    run = Run("publish_documents", "manual__1")
    logs = tmp_path / "var" / "airflow" / "logs" / "dag_id=publish_documents" / "run_id=manual__1"
    assert log_of(installation, run, TaskTry("publish", -1, 2, "failed")) == (
        logs / "task_id=publish" / "attempt=2.log"
    )
    assert log_of(installation, run, TaskTry("stage", 3, 1, "failed")) == (
        logs / "task_id=stage" / "map_index=3" / "attempt=1.log"
    )


def test_the_reason_is_the_message_of_the_last_exception(tmp_path: Path) -> None:
    log = tmp_path / "attempt=1.log"
    lines: list[dict[str, object]] = [
        {"event": "starting"},
        {
            "event": "Task failed",
            "error_detail": [{"exc_type": "BadInput", "exc_value": "expected A, found B"}],
        },
        {"event": "done"},
    ]
    log.write_text("\n".join(json.dumps(line) for line in lines))
    assert reason_in(log) == "expected A, found B"


def test_a_log_without_an_exception_gives_no_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.log").write_text('{"event": "fine"}\nplain text\n')
    assert reason_in(tmp_path / "empty.log") is None
    assert reason_in(tmp_path / "missing.log") is None


def test_old_logs_go_and_new_ones_stay(tmp_path: Path) -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    from tests.stacks import CHECKOUT

    spec = spec_from_file_location("old_logs", CHECKOUT / "plugins" / "old_logs.py")
    assert spec and spec.loader
    old_logs = module_from_spec(spec)
    spec.loader.exec_module(old_logs)
    now = datetime(2026, 1, 31, tzinfo=UTC)
    old, new = tmp_path / "a" / "b" / "old.log", tmp_path / "a" / "new.log"
    for path, age in ((old, timedelta(days=15)), (new, timedelta(days=13))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        _age(path, now - age)
    _age(old.parent, now - timedelta(days=15))
    assert old_logs.remove_old_logs(tmp_path, now) == 1
    assert new.exists()
    assert not old.exists()


def _age(path: Path, moment: datetime) -> None:
    import os

    os.utime(path, (moment.timestamp(), moment.timestamp()))
