"""What happens when a run misses its deadline; Airflow's triggerer imports and awaits it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

_log = logging.getLogger(__name__)


async def tell(context: dict[str, Any] | None = None) -> None:
    """Say in the log, and to `lake check`, which DAG's bars are late."""
    await asyncio.to_thread(_tell, context or {})


def _tell(context: dict[str, Any]) -> None:
    from lake.config import load_settings
    from lake.steps.freshness import note_late

    run = context["dag_run"]
    _log.error(
        "%s",
        note_late(
            load_settings(), run["dag_id"], run["dag_run_id"], str(context["deadline"]["deadline_time"])
        ),
    )
