"""Which ingests are late: noted when a deadline passes, forgotten when a later run has brought everything."""

from __future__ import annotations

import json
from pathlib import Path

from lake.config import Settings
from lake.store.failures import failures_of

FOLDER = "_late"


def note_late(settings: Settings, dag_id: str, run_id: str, deadline: str) -> str:
    """Note that a run missed its deadline and return that as a sentence; a repeat changes nothing.

    Raises:
        StoreUnavailable: the note cannot be written.
    """
    path = _path(settings, dag_id)
    with failures_of(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps({"dag_id": dag_id, "run_id": run_id, "deadline": deadline}))
        temporary.replace(path)
    return _sentence(dag_id, run_id, deadline)


def note_fresh(settings: Settings, dag_id: str) -> None:
    """Forget that a DAG was late: a run of it has brought everything."""
    path = _path(settings, dag_id)
    with failures_of(str(path)):
        path.unlink(missing_ok=True)


def late(settings: Settings) -> list[str]:
    """Return a sentence for each DAG that is late, in order of name."""
    folder = settings.local_folder / FOLDER
    with failures_of(str(folder)):
        notes = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [_sentence(note["dag_id"], note["run_id"], note["deadline"]) for note in notes]


def _path(settings: Settings, dag_id: str) -> Path:
    return settings.local_folder / FOLDER / f"{dag_id}.json"


def _sentence(dag_id: str, run_id: str, deadline: str) -> str:
    return (
        f"expected {dag_id} to have brought its bars by {deadline}, found its run {run_id} without success "
        "by then; look at the run in Airflow"
    )
