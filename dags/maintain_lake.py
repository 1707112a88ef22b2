"""Maintain tables and logs, every Sunday at 06:00 UTC.

Compaction, checkpoints and vacuum change no answer; the logs of tasks are kept for 14 days.
The tables' part on the command line: `lake maintain`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from lake_tasks import DEFAULT_ARGS, lake_settings


@dag(
    schedule="0 6 * * 0",
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "maintenance"],
)
def maintain_lake() -> None:
    @task
    def maintain_tables() -> dict[str, Any]:
        from lake.steps.maintain import maintain

        return maintain(lake_settings())

    @task
    def clear_logs() -> int:
        from pathlib import Path

        from airflow.configuration import conf
        from airflow.sdk.timezone import utcnow
        from old_logs import remove_old_logs

        return remove_old_logs(Path(conf.get("logging", "base_log_folder")), utcnow())

    maintain_tables()
    clear_logs()


maintain_lake()
