"""Verdicts on the bars and actions of one symbol, each by rows of its own and of better sources only.

So a lower source changes no verdict on a higher one's rows, in whatever order they are loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lake.market.bars import Actions, Bools, Floats
from lake.market.sessions import Calendar
from lake.market.suspect_actions import ActionVerdict, judge_actions
from lake.market.suspect_bars import Series, Texts, suspect_bars
from lake.thresholds import Thresholds

Ranks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Bars of one timeframe in order and all actions of their symbol, with the rank of each row's source.

    0 is the best one.
    """

    bars: Series
    bar_ranks: Ranks
    actions: pa.Table
    action_ranks: Ranks


def bar_codes(evidence: Evidence, timeframe: str, limits: Thresholds) -> Texts:
    """Return each bar's reasons joined by `; `, empty where it is plausible."""
    codes: Texts = np.full(len(evidence.bars), "", dtype=object)
    ranks = evidence.bar_ranks
    for rank in np.unique(ranks).tolist():
        seen, told = ranks <= rank, evidence.actions.filter(pa.array(evidence.action_ranks <= rank))
        found = suspect_bars(evidence.bars[seen], actions_of(told), timeframe, limits)
        codes[ranks == rank] = found[ranks[seen] == rank]
    return codes


def action_verdicts(evidence: Evidence, days: Calendar, limits: Thresholds) -> list[ActionVerdict]:
    """Return the verdict on each action, by daily bars."""
    ranks = evidence.action_ranks
    verdicts: dict[int, ActionVerdict] = {}
    for rank in np.unique(ranks).tolist():
        seen, rows = evidence.bars[evidence.bar_ranks <= rank], np.flatnonzero(ranks <= rank)
        told, is_better = evidence.actions.take(pa.array(rows)), ranks[rows] < rank
        by_own = _verdicts(seen, told, is_better, days, limits)
        by_any = by_own
        has_own = _has_bars_near(seen, told, limits)
        if not has_own.all():
            by_any = _verdicts(evidence.bars, told, is_better, days, limits)
        for row, better, near, own, other in zip(
            rows.tolist(), is_better.tolist(), has_own.tolist(), by_own, by_any, strict=True
        ):
            if not better:
                verdicts[row] = own if near else other
    return [verdicts[row] for row in range(len(ranks))]


def _has_bars_near(bars: Series, actions: pa.Table, limits: Thresholds) -> Bools:
    """Return which actions came with bars of their time; others are measured by whatever bars there are."""
    days = ex_dates(actions)
    window = np.timedelta64(limits.window_days, "D")
    first = np.searchsorted(bars.session, days - window)
    found: Bools = first < np.searchsorted(bars.session, days + window, side="right")
    return found


def _verdicts(
    bars: Series, rows: pa.Table, is_better: Bools, days: Calendar, limits: Thresholds
) -> list[ActionVerdict]:
    """Return the verdicts on actions, of which some are from better sources than the others."""
    is_split = rows["kind"].to_numpy() == "split"
    better = actions_of(rows.filter(pa.array(is_better))).dividend_dates
    splits, dividends = map(iter, judge_actions(bars, actions_of(rows), days, limits, better))
    return [next(splits if each else dividends) for each in is_split.tolist()]


def series_of(rows: pa.Table) -> Series:
    """Return bars, with the columns of EVIDENCE, as they are judged."""

    def floats(name: str, blank: float = np.nan) -> Any:
        values = rows[name].to_numpy().astype(float)
        return np.where(np.isnan(values), blank, values)

    return Series(
        ts=rows["ts"].cast(pa.int64()).to_numpy().astype("datetime64[us]"),
        session=rows["session"].cast(pa.int32()).to_numpy().astype("datetime64[D]"),
        **{name: floats(name) for name in ("open", "high", "low", "close", "volume")},
        is_split_basis=rows["price_basis"].to_numpy() == "split",
        applied_split=floats("applied_split", 1.0),
        adj_close=floats("adj_close"),
    )


def actions_of(rows: pa.Table) -> Actions:
    """Return rows of actions, in order of their dates, as splits and dividends."""
    is_split = rows["kind"].to_numpy() == "split"
    dates = ex_dates(rows)
    values: Floats = rows["value"].to_numpy()
    return Actions(dates[is_split], values[is_split], dates[~is_split], values[~is_split])


def ex_dates(rows: pa.Table) -> NDArray[np.datetime64]:
    """Return the days of actions."""
    dates: NDArray[np.datetime64] = rows["ex_date"].cast(pa.int32()).to_numpy().astype("datetime64[D]")
    return dates
