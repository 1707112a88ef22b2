"""From a strategy's rules to the bars on which it would buy and sell, and the bars it may trade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from lake.market.adjust import adjusted, split_factor
from lake.market.aggregate import micros
from lake.market.bars import Actions, Bars, Bools
from lake.market.timeframes import kind_of
from lake.rules.elsewhere import answers_of, elsewhere
from lake.rules.evaluate import SIDE_CODES, evaluate
from lake.rules.language import Rule
from lake.sandbox.strategies import Signal, Strategy


def signals_of(
    strategy: Strategy,
    rules: Mapping[str, Rule],
    bars: Bars,
    actions: Actions,
    others: Sequence[Bars] = (),
) -> tuple[Bools, Bools]:
    """Return per bar whether to enter and whether to leave, known from the bar's `closes_at`.

    Args:
        bars: as traded, from the symbol's first one on, so that every column is warm.
        others: the symbol's bars of the timeframes that rules ask of besides their own.
    """
    from lake.features.kernel import compute

    split_bars = adjusted(bars, actions, "split")
    known = actions.up_to(bars.session[-1]) if len(bars) else actions
    later_splits = split_factor(bars.session, known)
    names = sorted({column for name in strategy.rules for column in rules[name].columns})
    columns = compute(split_bars, names)
    said = answers_of([rules[name] for name in strategy.rules], others, actions)
    known_elsewhere = elsewhere(said, micros(bars.closes_at[bars.is_complete]))
    sides = {
        name: evaluate(rules[name], split_bars, columns, later_splits, known_elsewhere).side
        for name in strategy.rules
    }

    def holds(signal: Signal) -> Bools:
        found: Bools = sides[signal.rule] == SIDE_CODES[signal.side]
        return found

    return holds(strategy.enter), holds(strategy.leave)


def known_until(bars: Bars, end: date | None) -> Bars:
    """Return the complete bars whose last session is not after `end`."""
    rows = bars.is_complete if end is None else bars.is_complete & (bars.session <= np.datetime64(end))
    return bars[rows]


def first_traded(bars: Bars, start: date | None) -> int:
    """Return the row of the first bar that starts on `start` or later."""
    if start is None:
        return 0
    days = bars.session if kind_of(bars.timeframe) == "intraday" else bars.ts.astype("datetime64[D]")
    return int(np.searchsorted(days, np.datetime64(start), side="left"))
