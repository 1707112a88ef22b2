"""Which alerts rules raise on bars: one function for a whole history and for a stream's last rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np

from lake.alerts.alert import Alert, Origin
from lake.alerts.making import Firing, Maker, Seen, moment
from lake.alerts.scene import CLOSE, TOLERANCE, Operands, Prepared, Scene, prepared
from lake.features.indicator import Column
from lake.levels.level import Event
from lake.levels.method import TOUCH_ATR
from lake.market.bars import Bars, Floats
from lake.rules.conditions import Value
from lake.rules.elsewhere import Answers, elsewhere
from lake.rules.evaluate import needed
from lake.rules.memory import Memory, Numbers, Rows, cases_of, fires_on, judge
from lake.rules.rule import Rule
from lake.rules.truth import TRUE, frame_of, truth


def detect(
    rules: Sequence[Rule],
    bars: Bars,
    columns: Mapping[str, Column],
    events: Sequence[Event],
    later_splits: Floats,
    first: int,
    origin: Origin,
    now: datetime,
    others: Sequence[Answers] = (),
) -> list[Alert]:
    """Return the alerts of one symbol's history from row `first` of its bars on, oldest first.

    Args:
        bars: on the split basis, from the symbol's first one on.
        columns: at least those that the rules read or show, as `compute` returns them.
        events: at the levels of at least the methods that rules name.
        later_splits: `split_factor` of the bars.
        others: what the symbol's bars of other timeframes say of what the rules ask.
    """
    for rule in rules:
        needed(rule, columns)
    complete = bars.is_complete
    ts, closes_at = (
        moments[complete].astype("datetime64[us]").astype(np.int64) for moments in (bars.ts, bars.closes_at)
    )
    frame = frame_of(bars, columns, later_splits, elsewhere=elsewhere(others, closes_at))
    row_of = {moment: row for row, moment in enumerate(ts.tolist())}
    scene = Scene(
        bars.timeframe,
        [bars.symbol],
        Rows.of_one(frame, bars.is_suspect[complete]),
        ts,
        closes_at,
        [(row_of[event.ts], event) for event in events],
    )
    found = raised(prepared(rules), scene, Memory.start(1, len(rules)), origin, now)
    if first >= len(bars):
        return []
    start = moment(int(bars.ts[first].astype("datetime64[us]").astype(np.int64)))
    return [alert for alert in found if alert.ts >= start]


def raised(
    rules: Sequence[Prepared], scene: Scene, memory: Memory, origin: Origin, now: datetime
) -> list[Alert]:
    """Return the alerts of the new rows, row by row, and remember what rules need to know of them."""
    judged = judge(scene.rows, memory)
    may_hold = np.zeros(len(scene.ts), dtype=np.bool_)
    may_hold[scene.rows.is_new] = judged.may_hold
    new = np.flatnonzero(scene.rows.is_new)
    found: list[tuple[int, int, Alert]] = []
    for number, each in enumerate(rules):
        if each.rule.levels is not None:
            made = _at_levels(each, scene, may_hold, origin, now)
        else:
            case = cases_of(each.rule, scene.rows, judged)
            fires = np.flatnonzero(fires_on(each.rule, case, judged, memory, number))
            made = _of_cases(each, scene, new[fires], case[fires], origin, now)
        found += [(row, number, alert) for row, alert in made]
    found.sort(key=lambda entry: entry[:2])
    return [alert for _, _, alert in found]


def _of_cases(
    each: Prepared, scene: Scene, rows: Numbers, cases: Column, origin: Origin, now: datetime
) -> Iterator[tuple[int, Alert]]:
    """Yield the alerts of a rule with cases: `cases` says which case holds on each of `rows`."""
    for number, case in enumerate(each.rule.cases):
        chosen = rows[cases == number]
        if not len(chosen):
            continue
        seen = Seen(scene, each.seen[number], each.shown)
        maker, names = Maker(each, scene, seen, origin, now), (*each.seen[number], *each.elsewhere[number])
        for row in chosen.tolist():
            yield row, maker.alert(Firing(row, case.variant, case.side, seen.of(row, names)))


def _at_levels(
    each: Prepared, scene: Scene, may_hold: Column, origin: Origin, now: datetime
) -> Iterator[tuple[int, Alert]]:
    """Yield the alerts of a rule about levels: one for each of its events on a row that may be judged."""
    levels = each.rule.levels
    assert levels is not None
    events = [
        (row, event)
        for row, event in scene.events
        if event.event == levels.event and event.method in levels.methods and may_hold[row]
    ]
    if levels.condition is not None and events:
        holds = truth(levels.condition, scene.rows.frame) == TRUE
        events = [(row, event) for row, event in events if holds[row]]
    if not events:
        return
    operands: Operands = each.seen[0] if each.seen else {CLOSE: Value(CLOSE)}
    seen = Seen(scene, operands, each.shown, {TOLERANCE: Value(TOLERANCE)})
    maker, names = Maker(each, scene, seen, origin, now), (*operands, *(each.elsewhere or ((),))[0])
    for row, event in events:
        values = seen.of(row, names) | _facts(event, scene, row, seen)
        texts = {"event": event.event, "kind": event.kind, "method": event.method}
        yield row, maker.alert(Firing(row, event.level_id, event.side, values, event.level_id, texts))


def _facts(event: Event, scene: Scene, row: int, seen: Seen) -> dict[str, float]:
    """Return the numbers of an event at a level: prices as on the bar, the time in seconds since 1970."""
    splits = scene.rows.frame.later_splits
    price = event.price if splits is None else event.price * float(splits[row])
    return {
        "level": price,
        "level_confirmed_at": event.confirmed_at / 1e6,
        "tolerance": TOUCH_ATR * seen.value(row, TOLERANCE),
    }
