"""What a rule says of one bar, worked out anew from the bars up to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from lake.alerts.alert import Alert
from lake.alerts.changes import Difference, bar_name, bar_values, changed_actions, changed_bars
from lake.alerts.keep import says_the_same
from lake.market.adjust import adjusted, split_factor
from lake.market.bars import VALUES, Actions, Bars, followed_by
from lake.market.candles import Candle, bars_of_candles
from lake.rules.conditions import On, asked_of, reach_of
from lake.rules.elsewhere import answers_of
from lake.rules.evaluate import judged
from lake.rules.explain import Finding, explain
from lake.rules.language import parse_rules, states_of
from lake.rules.rule import Rule
from lake.steps.alerts import history_alerts

MOST_BARS = 12
"""Bars that an explanation shows, the newest of those that its rule looks back to."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a symbol's alerts rest on: bars of a timeframe, actions, bars of the timeframes that are asked.

    `forming` are the values of the last bar where that was still forming.
    """

    bars: Bars
    actions: Actions
    others: tuple[Bars, ...] = ()
    forming: Mapping[str, float] = field(default_factory=dict)

    def has_bar_of(self, alert: Alert) -> bool:
        """Return whether the alert's bar is there."""
        return bool((self.bars.ts == np.datetime64(alert.ts.replace(tzinfo=None), "us")).any())

    def with_forming(self, alert: Alert, session: np.datetime64) -> Basis:
        """Return what was there before the alert's bar, and that as it was forming, which the alert says."""
        seen = {name: alert.values[name] for name in VALUES}
        start, end = (int(moment.timestamp()) * 1_000_000 for moment in (alert.ts, alert.closes_at))
        candle = Candle._make((alert.timeframe, start, *seen.values(), True, False, ""))
        bar = bars_of_candles(alert.symbol, alert.timeframe, session, [end], [candle])
        before = self.bars[: int(np.searchsorted(self.bars.ts, bar.ts[0]))]
        return replace(self, bars=followed_by(before, bar), forming=seen)

    def until(self, alert: Alert) -> Basis:
        """Return what was there when the alert's bar closed, and nothing after it."""
        moment = np.datetime64(alert.ts.replace(tzinfo=None), "us")
        closes_at = np.datetime64(alert.closes_at.replace(tzinfo=None), "us")
        bars = self.bars[: int(np.searchsorted(self.bars.ts, moment, side="right"))]
        others = (
            each[: int(np.searchsorted(each.closes_at, closes_at, side="left"))] for each in self.others
        )
        actions = self.actions.up_to(bars.session[-1]) if len(bars) else self.actions
        return replace(self, bars=bars, actions=actions, others=tuple(each for each in others if len(each)))


@dataclass(frozen=True, slots=True)
class Derivation:
    """What a rule says of an alert's bar: the alert if it fires, its truth table, and a sentence."""

    alert: Alert | None
    findings: tuple[Finding, ...]
    verdict: str


def derived(rule: Rule | None, alert: Alert, whole: Basis) -> Derivation:
    """Return what a rule says of an alert's bar, from what was there when it closed."""
    if rule is None:
        return Derivation(None, (), "its rule is not known any more")
    basis = whole.until(alert)
    bars, row = basis.bars, len(basis.bars) - 1
    if row < 0 or bars.ts[row] != np.datetime64(alert.ts.replace(tzinfo=None), "us"):
        return Derivation(None, (), "it does not fire: the lake has no such bar")
    if not bars.is_complete[row]:
        return Derivation(None, (), "it does not fire: its bar is still open")
    made = history_alerts([rule], bars, basis.actions, alert.fired_at, basis.others)
    if basis.forming:
        made = [each.on_forming(basis.forming) for each in made]
    fired = [each for each in made if each.ts == alert.ts]
    found = next((each for each in fired if each.variant == alert.variant), None)
    findings = tuple(_findings(rule, basis, row, alert, found))
    return Derivation(found, findings, _verdict(rule, alert, bars, fired, found, findings))


def _findings(rule: Rule, basis: Basis, row: int, alert: Alert, found: Alert | None) -> list[Finding]:
    from lake.features.kernel import compute

    split_bars = adjusted(basis.bars, basis.actions, "split")
    later_splits = split_factor(basis.bars.session, basis.actions)
    said = answers_of([rule], basis.others, basis.actions)
    findings = explain(rule, split_bars, compute(split_bars, rule.columns), row, later_splits, said)
    if rule.levels is not None:
        methods = ", ".join(rule.levels.methods)
        facts = {name: alert.values[name] for name in ("level", "tolerance") if name in alert.values}
        facts |= {name: getattr(split_bars, name)[row].item() for name in ("high", "low", "close")}
        facts |= {f"{name}[-1]": getattr(split_bars, name)[row - 1].item() for name in ("close",) if row}
        text = f"{rule.levels.event} at the nearest level of {methods}"
        findings.insert(0, Finding(0, text, found is not None, facts))
    findings = _by_state(findings, rule)
    findings.append(Finding(0, "the bar may be judged", bool(judged(split_bars)[row]), {}))
    return findings


@lru_cache(maxsize=256)
def _states_named(text: str, name: str) -> dict[str, str]:
    """Return the names of the states that a rule's text has besides its own, by what they mean."""
    return {
        str(condition): f"{rule.name}.{state}"
        for rule in parse_rules(text).values()
        for state, condition in states_of(rule).items()
        if rule.name != name
    }


def _by_state(findings: list[Finding], rule: Rule) -> list[Finding]:
    """Return findings in which states of other rules have their names again, in place of what they mean."""
    named = _states_named(rule.text, rule.name)

    def short(text: str) -> str:
        if text in named:
            return named[text]
        for meaning in sorted(named, key=len, reverse=True):  # a part of another condition is none of its own
            text = text.replace(f"count({meaning}, ", f"count({named[meaning]}, ")
        return text

    return [
        replace(
            each, text=short(each.text), values={short(name): value for name, value in each.values.items()}
        )
        for each in findings
    ]


def _verdict(
    rule: Rule,
    alert: Alert,
    bars: Bars,
    fired: Sequence[Alert],
    found: Alert | None,
    findings: Sequence[Finding],
) -> str:
    if found is not None:
        same = says_the_same(found, alert)
        return "it fires, with the same values" if same else "it fires, with other values"
    if not findings[-1].holds:
        return "it does not fire: its bar is suspect, or comes too soon after one that is"
    if fired:
        return f"it does not fire: the rule says {fired[0].variant} instead"
    if rule.levels is not None:
        return f"it does not fire: there is no {rule.levels.event} at this level"
    holding = next((each.text for each in findings if each.depth == 0 and each.holds), None)
    if holding == alert.variant:
        return f"it does not fire: {holding} is no news, it held on the bar before"
    return f"it does not fire: {holding or 'nothing'} holds"


def changes(then: Basis, now: Basis) -> list[Difference]:
    """Return what an alert rests on that is not what it was."""
    found = changed_bars(then.bars, now.bars)
    after = {bars.timeframe: bars for bars in now.others}
    for bars in then.others:
        found += changed_bars(bars, after.pop(bars.timeframe, bars[:0]))
    for bars in after.values():
        found += changed_bars(bars[:0], bars)
    return found + changed_actions(then.actions, now.actions)


def shown_bars(rule: Rule | None, basis: Basis) -> list[tuple[str, Mapping[str, float | bool]]]:
    """Return the bars as traded that a rule looks at, its own and then the last of each other timeframe."""
    conditions = rule.conditions if rule else ()
    asked: dict[str, list[On]] = {}
    for question in (each for condition in conditions for each in asked_of(condition)):
        asked.setdefault(question.timeframe, []).append(question)
    reach = {basis.bars.timeframe: max(map(reach_of, conditions), default=0)}
    reach |= {name: max(reach_of(each.part) for each in own) for name, own in asked.items()}
    found: list[tuple[str, Mapping[str, float | bool]]] = []
    for bars in (basis.bars, *basis.others):
        # One more than it looks back to: whether something is news is seen on the bar before.
        first = max(len(bars) - min(reach.get(bars.timeframe, 0) + 2, MOST_BARS), 0)
        found += [(bar_name(bars, row), bar_values(bars, row)) for row in range(first, len(bars))]
    return found
