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
from lake.market.suspect_actions import ActionVerdict, judge_dividend, judge_split
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


def action_verdicts(
    evidence: Evidence, asked: Bools, days: Calendar, limits: Thresholds
) -> dict[int, ActionVerdict]:
    """Return the verdict on each action that is asked for, by daily bars."""
    ranks, has_own = evidence.action_ranks, _has_bars_near(evidence, limits)
    verdicts: dict[int, ActionVerdict] = {}
    for rank in np.unique(ranks[asked]).tolist():
        own_bars = evidence.bars[evidence.bar_ranks <= rank]
        for bars, is_measured in ((own_bars, has_own), (evidence.bars, ~has_own)):
            chosen = asked & (ranks == rank) & is_measured
            if chosen.any():
                verdicts |= _verdicts(bars, evidence, rank, chosen, days, limits)
    return verdicts


def _has_bars_near(evidence: Evidence, limits: Thresholds) -> Bools:
    """Return which actions have bars of their own or a better source near; any bars measure the others."""
    dates, window = ex_dates(evidence.actions), np.timedelta64(limits.window_days, "D")
    found = np.zeros(len(dates), dtype=bool)
    for rank in np.unique(evidence.action_ranks).tolist():
        sessions, own = evidence.bars.session[evidence.bar_ranks <= rank], evidence.action_ranks == rank
        first = np.searchsorted(sessions, dates[own] - window)
        found[own] = first < np.searchsorted(sessions, dates[own] + window, side="right")
    return found


def _verdicts(
    bars: Series, evidence: Evidence, rank: int, chosen: Bools, days: Calendar, limits: Thresholds
) -> dict[int, ActionVerdict]:
    """Return the verdicts on chosen actions, all of one rank."""
    rows = np.flatnonzero(evidence.action_ranks <= rank)
    told, is_better = evidence.actions.take(pa.array(rows)), evidence.action_ranks[rows] < rank
    actions, better = actions_of(told), actions_of(told.filter(pa.array(is_better))).dividend_dates
    is_split = told["kind"].to_numpy() == "split"
    numbers = np.where(is_split, np.cumsum(is_split), np.cumsum(~is_split)) - 1
    return {
        int(rows[place]): judge_split(bars, actions, numbers[place], limits)
        if is_split[place]
        else judge_dividend(bars, actions, numbers[place], days, limits, better)
        for place in np.flatnonzero(chosen[rows]).tolist()
    }


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
