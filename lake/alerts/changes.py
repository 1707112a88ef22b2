"""What an alert stood on, then and now: bars and actions that are not what they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lake.market.bars import VALUES, Actions, Bars

_COMPARED = (*VALUES, "is_complete", "is_suspect")

Values = Mapping[str, float | bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changed: `about` names it, `then` and `now` are None where there was no such thing."""

    about: str
    then: Values | None
    now: Values | None

    def __str__(self) -> str:
        if self.then is None or self.now is None:
            what = "is gone" if self.now is None else "was added"
            return f"{self.about} {what} ({_text(self.then or self.now or {})})"
        return f"{self.about} changed: " + ", ".join(
            f"{name} {_number(value)} -> {_number(self.now[name])}"
            for name, value in self.then.items()
            if value != self.now[name]
        )


def bar_values(bars: Bars, row: int) -> dict[str, float | bool]:
    """Return what a bar says, by name."""
    return {name: getattr(bars, name)[row].item() for name in _COMPARED}


def bar_name(bars: Bars, row: int) -> str:
    """Return what a bar is called: its timeframe and start."""
    start = bars.ts[row].astype("datetime64[us]").item()
    clock = f" {start:%H:%M}Z" if start.hour or start.minute else ""
    return f"{bars.timeframe} bar of {start:%Y-%m-%d}{clock}"


def changed_bars(then: Bars, now: Bars) -> list[Difference]:
    """Return the bars of one series that are not what they were, newest first."""
    if _are_equal(then, now):
        return []
    old, new = ({moment: row for row, moment in enumerate(bars.ts.tolist())} for bars in (then, now))
    found = []
    for moment in sorted(old.keys() | new.keys(), reverse=True):
        before, after = old.get(moment), new.get(moment)
        was = None if before is None else bar_values(then, before)
        values = None if after is None else bar_values(now, after)
        if was != values:
            name = bar_name(then, before) if before is not None else bar_name(now, new[moment])
            found.append(Difference(name, was, values))
    return found


def _are_equal(then: Bars, now: Bars) -> bool:
    return then is now or all(
        np.array_equal(getattr(then, name), getattr(now, name)) for name in ("ts", *_COMPARED)
    )


def changed_actions(then: Actions, now: Actions) -> list[Difference]:
    """Return the splits and dividends that are not what they were, oldest first."""
    old, new = _by_name(then), _by_name(now)
    return [
        Difference(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys(), key=lambda name: name[-10:])
        if old.get(name) != new.get(name)
    ]


def _by_name(actions: Actions) -> dict[str, Values]:
    kinds = {
        "split": (actions.split_dates, actions.split_ratios),
        "dividend": (actions.dividend_dates, actions.dividends),
    }
    return {
        f"{kind} of {np.datetime_as_string(day, unit='D')}": {"value": float(value)}
        for kind, (dates, values) in kinds.items()
        for day, value in zip(dates, values, strict=True)
    }


def _text(values: Values) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in values.items())


def _number(value: float | bool) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:.10g}"
