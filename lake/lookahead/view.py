"""A view: everything that the definitions say of one history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lake.alerts.alert import Alert
from lake.alerts.detect import detect
from lake.features.indicator import Column
from lake.features.kernel import compute
from lake.levels.batch import find
from lake.lookahead.definitions import Definitions
from lake.market.adjust import adjusted, split_factor
from lake.market.aggregate import micros
from lake.market.bars import Actions, Bars
from lake.rules.elsewhere import answers_of, elsewhere
from lake.rules.evaluate import Signals, evaluate
from lake.rules.language import rules_for
from lake.rules.rule import LEVEL_COLUMN, Rule, methods_of

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When alerts fired is no part of what is compared."""


@dataclass(frozen=True, slots=True)
class View:
    """One history on the split basis of its last bar, and what is said of it.

    `signals` are those of the rules with cases, by name; `alerts` those of all rules, by id.
    """

    bars: Bars
    columns: Mapping[str, Column]
    rules: Mapping[str, Rule]
    signals: Mapping[str, Signals]
    alerts: Mapping[str, Alert]


def look(bars: Bars, actions: Actions, definitions: Definitions, others: Sequence[Bars] = ()) -> View:
    """Return what the definitions say of bars as traded, by the actions up to the last of them.

    `others` are the symbol's bars of the timeframes that rules ask of besides their own.
    """
    split_bars = adjusted(bars, actions, "split")
    registry, rules = definitions.registry, rules_for(definitions.rules, bars.timeframe)
    columns = compute(split_bars, registry.readable, registry)
    later_splits = split_factor(bars.session, actions.up_to(bars.session[-1]))
    chosen = {name: definitions.methods[name] for name in methods_of(rules)}
    events = find(split_bars, columns[LEVEL_COLUMN], chosen).events if chosen else []
    read = {name: columns[name] for rule in rules for name in (*rule.columns, *rule.shown)}
    said = answers_of(rules, others, actions)
    heard = elsewhere(said, micros(split_bars.closes_at[split_bars.is_complete]))
    return View(
        bars=split_bars,
        columns=columns,
        rules={rule.name: rule for rule in rules},
        signals={
            rule.name: evaluate(rule, split_bars, columns, later_splits, heard)
            for rule in rules
            if rule.cases
        },
        alerts={
            alert.alert_id: alert
            for alert in detect(rules, split_bars, read, events, later_splits, 0, "batch", _NEVER, said)
        },
    )
