"""Identity: a rule's version is the hash of its meaning, an alert's id the hash of what it is about."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import numpy as np

from lake.features.registry import REGISTRY, Registry
from lake.levels.settings import LEVELS
from lake.rules.language import Rule


def rule_version(rule: Rule, registry: Registry = REGISTRY) -> str:
    """Return the first 12 hex digits of the SHA-256 of what decides when a rule fires.

    That is its conditions with their sides and states in the order of precedence, `fires`, the event
    and methods of a rule about levels with what conf/levels.yaml says of them, and the parameters of
    the columns it reads, theirs included.
    Names, wording, severity, timeframes and delivery are not.
    """
    meaning: dict[str, object] = {
        "cases": [[case.side, str(case.condition), *filter(None, [case.state])] for case in rule.cases],
        "columns": column_parameters(rule, registry),
        "fires": rule.fires,
    }
    if rule.levels is not None:
        event, methods, condition = rule.levels.event, rule.levels.methods, rule.levels.condition
        meaning["levels"] = [event, list(methods), *([str(condition)] if condition is not None else [])]
        meaning["level_settings"] = LEVELS.meaning(methods)
    return hashlib.sha256(canonical_json(meaning).encode()).hexdigest()[:12]


def column_parameters(rule: Rule, registry: Registry = REGISTRY) -> dict[str, dict[str, float]]:
    """Return the parameters of the columns that decide when a rule fires, by their names."""
    return {
        ",".join(indicator.columns): dict(indicator.parameters)
        for indicator in registry.in_order_of_need(rule.all_columns)
    }


def alert_id(
    rule: str, version: str, variant: str, symbol: str, timeframe: str, ts: datetime | np.datetime64
) -> str:
    """Return the id of an alert: every repeat of any step gives the same.

    `variant` is the side, state or level id that sets two alerts of one rule on one bar apart;
    `ts` the start of the bar in UTC, aware, or a numpy time.
    """
    fields = (rule, version, variant, symbol, timeframe, _seconds(ts))
    return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys, without spaces, the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _seconds(ts: datetime | np.datetime64) -> str:
    if isinstance(ts, np.datetime64):
        return f"{np.datetime_as_string(ts, unit='s', casting='unsafe')}Z"
    if ts.tzinfo is None:
        raise ValueError(f"expected a time with a zone, found {ts!r}")
    return ts.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
