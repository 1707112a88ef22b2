"""A copy of levels goes its own way, and says what the original would have said."""

from __future__ import annotations

import numpy as np

from lake.levels.batch import bars_of
from lake.levels.live import LiveLevels
from lake.market.bars import Bars
from tests.levels import flat_atr, shaped


def walk(count: int) -> Bars:
    random = np.random.default_rng(3)
    close = np.round(100 + np.cumsum(random.normal(0, 1.2, count)), 2)
    return shaped(*((c + 1.5, c - 1.5, c + float(random.normal(0, 0.7))) for c in close.tolist()))


def test_a_copy_and_its_original_say_the_same_and_do_not_disturb_each_other() -> None:
    bars = walk(400)
    pushed = list(bars_of(bars, flat_atr(bars)))
    live = LiveLevels("AAPL", "1d")
    for bar in pushed[:250]:
        live.push(bar)
    before, copy = live.state(), live.copied()
    assert copy.state() == before
    events = [live.push(bar).events for bar in pushed[250:]]
    assert sum(map(len, events)) > 50
    assert copy.state() == before != live.state()
    assert [copy.push(bar).events for bar in pushed[250:]] == events
    assert copy.state() == live.state()
