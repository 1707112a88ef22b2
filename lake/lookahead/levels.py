"""Levels of prefixes against those of the whole: births, events, certificates, method by method."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np

from lake.features.indicator import Column
from lake.levels.batch import Found, bars_of, find
from lake.levels.compare import Disagreement, disagreements
from lake.levels.level import Level, level_id
from lake.levels.live import LiveLevels
from lake.levels.method import Method
from lake.lookahead.aligned import Aligned
from lake.lookahead.finding import MISSING, Finding, moment
from lake.lookahead.view import View
from lake.market.aggregate import micros
from lake.market.bars import VALUES, Bars
from lake.rules.rule import LEVEL_COLUMN

Methods = Mapping[str, type[Method]]


class Prefixes:
    """The levels of prefixes, each longer than the one before, against those of the whole.

    Levels are told of one bar after the other, so a prefix goes on from the one before it, as long as
    its earlier bars are the very same: after a split it starts anew.
    """

    def __init__(self, whole: View, methods: Methods) -> None:
        self.methods = methods
        self.whole = _found(whole, methods)
        self._walk = _Walk(whole.bars, methods)
        self._since: int | None = None

    def findings(self, pair: Aligned, is_last: bool) -> list[Finding]:
        """Return the methods whose levels or events up to the cut depend on later bars, once each.

        The last prefix starts anew and everything about it is compared, of the others what is new.
        """
        if not len(pair.bars):
            return []
        part = _found(pair.part, self.methods) if is_last else self._walk.to(pair.part)
        # Levels known at the start of a bar are told of with that bar: up to the last complete one, then.
        until = int(micros(pair.bars.closes_at)[-1])
        since, self._since = (None if is_last else self._since), until
        together = disagreements(part, self.whole, until, pair.ratio, since)
        return self._culprits(pair, until, together) if together else []

    def _culprits(self, pair: Aligned, until: int, together: list[Disagreement]) -> list[Finding]:
        """Return the methods that disagree when they are alone, since the levels of one may displace others.

        If none does, those whose levels differ together, or else their events.
        """
        alone = [
            each
            for name, method in self.methods.items()
            for each in disagreements(
                _found(pair.part, {name: method}), _found(pair.whole, {name: method}), until, pair.ratio
            )
        ]
        first: dict[str, Disagreement] = {}
        for each in alone or [each for each in together if each.what == "level"] or together:
            first.setdefault(each.method, each)
        return [_named(pair, each) for each in first.values()]


class _Walk:
    """Levels bar by bar, and what came of the bars so far."""

    def __init__(self, bars: Bars, methods: Methods) -> None:
        self._names, self._methods = (bars.symbol, bars.timeframe), methods
        self._start()

    def _start(self) -> None:
        self._live = LiveLevels(*self._names, self._methods)
        self._levels: list[Level] = []
        self._found = Found(self._levels, [], self._live)
        self._seen: list[Column] = []

    def to(self, view: View) -> Found:
        """Return the levels and events of a prefix, from its own bars."""
        rows = view.bars.is_complete
        values = [getattr(view.bars, name)[rows] for name in VALUES] + [view.columns[LEVEL_COLUMN][rows]]
        pushed = len(self._seen[0]) if self._seen else 0
        if not all(
            np.array_equal(now[:pushed], before, equal_nan=True)
            for now, before in zip(values, self._seen, strict=False)
        ):
            self._start()
            pushed = 0
        for bar in islice(bars_of(view.bars, view.columns[LEVEL_COLUMN]), pushed, None):
            born, made = self._live.push(bar)
            self._levels += born
            self._found.events.extend(made)
        self._seen = values
        for level in self._levels:
            level.level_id = level.level_id or level_id(
                level.method, level.kind_at_birth, *self._names, level.formed_at, level.name
            )
        return self._found


def _found(view: View, methods: Methods) -> Found:
    return find(view.bars, view.columns[LEVEL_COLUMN], methods)


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
