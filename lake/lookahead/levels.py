"""Levels of a prefix against those of the whole: births, events, certificates, method by method."""

from __future__ import annotations

from typing import Any

import numpy as np

from lake.levels.batch import Found, find
from lake.levels.compare import Disagreement, disagreements
from lake.lookahead.aligned import Aligned
from lake.lookahead.definitions import Definitions
from lake.lookahead.finding import MISSING, Finding, moment
from lake.market.aggregate import micros
from lake.rules.rule import LEVEL_COLUMN


def level_findings(pair: Aligned, definitions: Definitions) -> list[Finding]:
    """Return the methods whose levels or events up to the cut depend on later bars, once each.

    Methods are named that disagree when they are alone, since the levels of one may displace the
    events of another; if none does, those that disagree together.
    """
    together = _disagreements(pair, pair.part.found, pair.whole.found)
    if not together:
        return []
    alone = [each for name in definitions.methods for each in _of_one(name, pair, definitions)]
    first: dict[str, Disagreement] = {}
    for each in alone or together:
        first.setdefault(each.method, each)
    return [_named(pair, each) for each in first.values()]


def _of_one(name: str, pair: Aligned, definitions: Definitions) -> list[Disagreement]:
    chosen = {name: definitions.methods[name]}
    whole = find(pair.whole.bars, pair.whole.columns[LEVEL_COLUMN], chosen)
    part = find(pair.part.bars, pair.part.columns[LEVEL_COLUMN], chosen)
    return _disagreements(pair, part, whole)


def _disagreements(pair: Aligned, part: Found, whole: Found) -> list[Disagreement]:
    # Levels known at the start of a bar are told of with that bar: up to the last complete one, then.
    closes_at = micros(pair.bars.closes_at)
    return disagreements(part, whole, int(closes_at[-1]), pair.ratio) if len(closes_at) else []


def _named(pair: Aligned, each: Disagreement) -> Finding:
    bars = pair.part.bars
    where = f"its {each.what} {', '.join(map(_shown, each.key))}"
    texts = _told(each.part), _told(each.whole)
    return Finding("level method", each.method, bars.symbol, bars.timeframe, pair.until, where, *texts)


def _told(said: Any) -> str:
    """Return what one side says of a level: facts, and a price or strength."""
    if said is None:
        return MISSING
    facts, value = said
    return "(" + ", ".join([*map(_shown, facts), f"{value:.12g}"]) + ")"


def _shown(value: Any) -> str:
    if isinstance(value, int) and value > _YEAR_2000_NEVER:
        return moment(np.datetime64(value, "us"))
    text = str(value)
    return text[:12] if len(text) == _ID_LENGTH else text


_ID_LENGTH = 64
_YEAR_2000_NEVER = 10**12
"""Numbers above are times in microseconds: counts of touches and flips stay far below."""
