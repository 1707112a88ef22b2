"""The gate: one history looked at whole, and again on prefixes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from lake.lookahead.aligned import Aligned, aligned
from lake.lookahead.columns import column_findings, read_by
from lake.lookahead.definitions import Definitions
from lake.lookahead.finding import Finding
from lake.lookahead.levels import Prefixes
from lake.lookahead.longer import longer_finding
from lake.lookahead.rules import rule_findings
from lake.lookahead.view import View, look
from lake.market.bars import Actions, Bars
from lake.rules.rule import LEVEL_COLUMN, Rule

Lengthen = Callable[[Bars, Actions], Bars]


@dataclass(frozen=True, slots=True)
class History:
    """One symbol's bars as traded, and its actions; `lengthen` makes longer bars of them to be judged.

    `others` are its bars of the timeframes that rules ask of besides their own.
    """

    bars: Bars
    actions: Actions
    lengthen: Lengthen | None = None
    others: tuple[Bars, ...] = ()

    def judged(self, count: int) -> Bars:
        """Return the bars to be judged when nothing after the first `count` bars is there."""
        kept = self.bars[:count]
        return kept if self.lengthen is None else self.lengthen(kept, self.actions.up_to(kept.session[-1]))

    def look(self, count: int, definitions: Definitions) -> View:
        """Return what the definitions say when nothing after the first `count` bars is there."""
        until = self.bars.closes_at[count - 1]
        others = [bars[bars.closes_at <= until] for bars in self.others]
        return look(self.judged(count), self.actions, definitions, others)


@dataclass(slots=True)
class Checked:
    """What a check found, each culprit once a history, and how much it compared.

    `largest` is the largest difference of a column that counts as none, as a share of its scale.
    """

    findings: list[Finding] = field(default_factory=list)
    cuts: int = 0
    largest: float = 0.0

    def add(self, other: Checked) -> None:
        """Add what another check found."""
        self.findings += other.findings
        self.cuts += other.cuts
        self.largest = max(self.largest, other.largest)


def check(history: History, cuts: Sequence[int], definitions: Definitions) -> Checked:
    """Return where the definitions say something else of a bar once later bars are there.

    Args:
        cuts: how many bars each prefix has.
    """
    checked = Checked()
    if not cuts:
        return checked
    whole_bars = history.judged(len(history.bars))
    whole = look(whole_bars, history.actions, definitions, history.others)
    levels = Prefixes(whole, definitions.methods)
    for count in sorted(cuts):
        checked.cuts += 1
        _note(checked, _longer(history, whole_bars, (count - 1, count)))
        if any(finding.kind == "bars" for finding in checked.findings):
            break
        pair = aligned(
            history.look(count, definitions), whole, history.actions, history.bars.closes_at[count - 1]
        )
        columns, largest = column_findings(pair, definitions.registry)
        checked.largest = max(checked.largest, largest)
        _note(checked, [*columns, *_others(pair, columns, levels, definitions, count == max(cuts))])
    return checked


def _longer(history: History, whole: Bars, counts: Iterable[int]) -> list[Finding]:
    """Return what is wrong with longer bars: of two neighbouring cuts one at least is inside a bar."""
    if history.lengthen is None:
        return []
    found = (
        longer_finding(history.judged(count), whole, history.bars.closes_at[count - 1])
        for count in counts
        if count > 0
    )
    return [finding for finding in found if finding is not None]


def _note(checked: Checked, findings: Iterable[Finding]) -> None:
    known = {(finding.kind, finding.name) for finding in checked.findings}
    for finding in findings:
        if (finding.kind, finding.name) not in known:
            known.add((finding.kind, finding.name))
            checked.findings.append(finding)


def _others(
    pair: Aligned, columns: list[Finding], levels: Prefixes, definitions: Definitions, is_last: bool
) -> list[Finding]:
    """Return the level methods and rules that differ: not those that read a column that does."""
    bad = {finding.name for finding in columns}
    if bad & read_by(definitions.registry, [LEVEL_COLUMN]):
        return []
    methods = levels.findings(pair, is_last)
    bad_methods = {finding.name for finding in methods}
    rules = [
        finding
        for finding in rule_findings(pair)
        if not _is_misled(pair.part.rules[finding.name], bad, bad_methods, definitions)
    ]
    return [*methods, *rules]


def _is_misled(rule: Rule, columns: set[str], methods: set[str], definitions: Definitions) -> bool:
    read = read_by(definitions.registry, (*rule.columns, *rule.shown))
    return bool(columns & read) or bool(rule.levels and methods & set(rule.levels.methods))
