"""Rules on a prefix against those on the whole: the same case on every bar, the same alerts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lake.alerts.alert import Alert
from lake.alerts.keep import says_the_same
from lake.lookahead.aligned import Aligned
from lake.lookahead.finding import MISSING, Finding, moment
from lake.lookahead.view import View
from lake.rules.memory import NO_CASE


def rule_findings(pair: Aligned) -> list[Finding]:
    """Return the rules that judge a bar up to the cut differently once later bars are there, once each."""
    first: dict[str, Finding] = {}
    for finding in (*_signals(pair), *_alerts(pair)):
        first.setdefault(finding.name, finding)
    return list(first.values())


def _signals(pair: Aligned) -> Iterator[Finding]:
    for name, part in pair.part.signals.items():
        whole = pair.whole.signals[name]
        rows = np.flatnonzero(
            (part.case[pair.done] != whole.case[pair.rows])
            | (part.side[pair.done] != whole.side[pair.rows])
            | (part.fires[pair.done] != whole.fires[pair.rows])
        )
        if len(rows):
            row, inside = rows[-1], np.flatnonzero(pair.done)[rows[-1]]
            where = f"its judgement of {moment(pair.bars.ts[row])}"
            texts = _judgement(pair.part, name, inside), _judgement(pair.whole, name, pair.rows[row])
            yield _named(pair, name, where, *texts)
        elif len(open_rows := np.flatnonzero(~pair.done & (part.fires | (part.case != NO_CASE)))):
            where = f"its judgement of the open bar of {moment(pair.part.bars.ts[open_rows[-1]])}"
            yield _named(pair, name, where, _judgement(pair.part, name, open_rows[-1]), "none")


def _judgement(view: View, name: str, row: int) -> str:
    signals = view.signals[name]
    case = int(signals.case[row])
    held = "none" if case == NO_CASE else view.rules[name].cases[case].variant
    return f"{held}{' (fires)' if signals.fires[row] else ''}"


def _alerts(pair: Aligned) -> Iterator[Finding]:
    until = pair.until.astype("datetime64[us]").item()
    alone = pair.part.alerts
    later = {
        key: alert
        for key, alert in pair.whole.alerts.items()
        if alert.closes_at.replace(tzinfo=None) <= until
    }
    for key in {**alone, **later}:
        mine, theirs = alone.get(key), later.get(key)
        if mine is not None and theirs is not None and says_the_same(mine, theirs):
            continue
        alert = mine or theirs
        assert alert is not None
        where = f"its alert {key[:12]} of {alert.ts:%Y-%m-%dT%H:%M:%SZ}"
        yield _named(pair, alert.rule, where, _told(mine), _told(theirs))


def _told(alert: Alert | None) -> str:
    if alert is None:
        return MISSING
    return f"{alert.side} ({', '.join(f'{name} {value:.12g}' for name, value in alert.values.items())})"


def _named(pair: Aligned, name: str, where: str, alone: str, later: str) -> Finding:
    bars = pair.part.bars
    return Finding("rule", name, bars.symbol, bars.timeframe, pair.until, where, alone, later)
