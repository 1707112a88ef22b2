"""Every table of the lake, by name."""

from __future__ import annotations

from lake.store.tables.alerts import ALERTS, DEAD_LETTERS, NOTIFICATIONS, RULE_VERSIONS
from lake.store.tables.features import FEATURES
from lake.store.tables.levels import LEVEL_EVENTS, LEVELS
from lake.store.tables.live import LIVE_STATES
from lake.store.tables.market import ACTIONS, BARS, CANDLES, DECISIONS, GAPS, QUARANTINE, SYMBOLS
from lake.store.tables.results import (
    SANDBOX_EQUITY,
    SANDBOX_METRICS,
    SANDBOX_RUNS,
    SANDBOX_TRADES,
    SYMBOL_STATES,
    TRAINING_SETS,
)
from lake.store.tables.spec import TableSpec

TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (
        BARS,
        CANDLES,
        ACTIONS,
        SYMBOLS,
        QUARANTINE,
        DECISIONS,
        GAPS,
        FEATURES,
        LEVELS,
        LEVEL_EVENTS,
        ALERTS,
        RULE_VERSIONS,
        SYMBOL_STATES,
        NOTIFICATIONS,
        DEAD_LETTERS,
        SANDBOX_RUNS,
        SANDBOX_TRADES,
        SANDBOX_EQUITY,
        SANDBOX_METRICS,
        TRAINING_SETS,
        LIVE_STATES,
    )
}

__all__ = ["TABLES", "TableSpec"]
