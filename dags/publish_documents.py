"""Publish everything new, when sandbox results, training sets or alerts are.

Any is enough: waiting for all would publish the older of them one run late for ever, once a
person has run one of them by hand. Documents have fixed ids, so publishing again changes nothing.
A server that does not answer is asked again later. The same on the command line: `lake publish`.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task
from lake_assets import ALERTS, SANDBOX_RESULTS, TRAINING_SETS
from lake_tasks import DEFAULT_ARGS, lake_settings


@dag(
    schedule=(SANDBOX_RESULTS | TRAINING_SETS | ALERTS),
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["lake", "documents"],
)
def publish_documents() -> None:
    @task
    def publish() -> dict[str, Any]:
        from lake.steps.publish import publish_documents

        return publish_documents(lake_settings())

    publish()


publish_documents()
