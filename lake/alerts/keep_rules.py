"""Keeping what rules were: each version by its text, so that its alerts can be explained later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import orjson
import pyarrow as pa

from lake.rules.identity import column_parameters, rule_version
from lake.rules.rule import Rule
from lake.store.lake import Change, Lake
from lake.store.tables import TABLES
from lake.store.tables.spec import BITEMPORAL


def keep_rules(lake: Lake, rules: Iterable[Rule], now: datetime) -> Change:
    """Enter the versions of rules that the lake does not have yet and return what changed.

    Raises:
        CommitConflict: other writers won every retry.
    """
    with lake.writing("rule_versions"):
        table = lake.table("rule_versions")
        found = table.to_pyarrow_table(columns=["rule", "rule_version"]).to_pylist()
        known = {(row["rule"], row["rule_version"]) for row in found}
        rows = [
            {"rule": rule.name, "rule_version": version, "definition": rule.text, "columns": _columns(rule)}
            for rule, version in ((each, rule_version(each)) for each in rules)
            if (rule.name, version) not in known
        ]
        if not rows:
            return Change(0, 0, table.version())
        schema = pa.schema([field for field in TABLES["rule_versions"].schema if field not in BITEMPORAL])
        merged = pa.Table.from_pylist(rows, schema=schema)
        return lake.upsert("rule_versions", merged, lake.stamp("rule_versions", now))


def _columns(rule: Rule) -> str:
    return orjson.dumps(column_parameters(rule), option=orjson.OPT_SORT_KEYS).decode()
