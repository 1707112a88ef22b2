"""Rows of one symbol: features known at the close of a bar, labels of what came after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lake.features.kernel import compute
from lake.market.adjust import adjusted
from lake.market.bars import Actions, Bars, Bools, Floats, Times
from lake.market.sessions import Calendar
from lake.membership import Membership, members
from lake.training.columns import Feature, feature_matrix
from lake.training.labels import Labels, forward_returns, last_ends_at, opens_at
from lake.training.recipe import Recipe

INCOMPLETE, NOT_MEMBER, SUSPECT = "incomplete", "not_member", "suspect"
WARM_UP, UNLABELLED = "warm_up", "unlabelled"

_ALWAYS: Membership = {}
_UTC = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class SymbolRows:
    """Candidate rows of one symbol, oldest first, and why other bars of it gave none."""

    symbol: str
    timeframe: str
    ts: Times
    closes_at: Times
    features: Floats
    labels: tuple[Labels, ...]
    dropped: dict[str, int]

    @property
    def ends_at(self) -> Times:
        """Return when the last label of each row ends."""
        return last_ends_at(self.labels)


@dataclass(frozen=True, slots=True)
class History:
    """Complete bars of one symbol up to the recipe's end, as traded, with the features of each."""

    complete: Bars
    actions: Actions
    matrix: Floats
    incomplete: int


def history_of(bars: Bars, actions: Actions, recipe: Recipe, features: Sequence[Feature]) -> History:
    """Return what of one symbol may be seen: nothing after the recipe's end exists."""
    seen = bars if recipe.end is None else bars[bars.session <= np.datetime64(recipe.end)]
    complete = seen[seen.is_complete]
    incomplete = int((_since(seen, recipe) & ~seen.is_complete).sum())
    return History(complete, actions, features_at(complete, actions, features), incomplete)


def symbol_rows(
    history: History, days: Calendar, recipe: Recipe, membership: Membership = _ALWAYS
) -> SymbolRows:
    """Return the rows of one symbol.

    Bars before the recipe's start warm the features up and give no rows. A bar on which the symbol
    did not belong to the universe, a suspect bar, a bar whose features have not warmed up and a bar
    without any label give no row.
    """
    bars = history.complete
    labels = forward_returns(bars, history.actions, opens_at(bars, days), recipe.horizons)
    wanted = _since(bars, recipe)
    is_out = ~members(bars.symbol, bars.session, membership)
    keep, dropped = _sifted(wanted, is_out, bars.is_suspect, history.matrix, last_ends_at(labels))
    return SymbolRows(
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        ts=bars.ts[keep],
        closes_at=bars.closes_at[keep],
        features=history.matrix[keep],
        labels=tuple(label.of(keep) for label in labels),
        dropped={INCOMPLETE: history.incomplete, **dropped},
    )


def features_at(complete: Bars, actions: Actions, features: Sequence[Feature]) -> Floats:
    """Return the features of complete bars as traded, shaped (bars, features)."""
    split = adjusted(complete, actions, "split")
    columns = compute(split, [feature.column for feature in features])
    return feature_matrix(columns, split.close, tuple(features))


def row_table(rows: SymbolRows, features: Sequence[Feature]) -> pa.Table:
    """Return rows as Arrow: keys, features, and for each horizon the label, its start and its end."""
    count = len(rows.ts)
    columns: dict[str, Any] = {
        "symbol": pa.repeat(pa.scalar(rows.symbol), count),
        "timeframe": pa.repeat(pa.scalar(rows.timeframe), count),
        "ts": pa.array(rows.ts).cast(_UTC),
        "closes_at": pa.array(rows.closes_at).cast(_UTC),
    }
    columns |= {feature.name: rows.features[:, place] for place, feature in enumerate(features)}
    for label in rows.labels:
        name = label_name(label.horizon)
        columns[name] = pa.array(label.value, from_pandas=True)
        columns[f"{name}_opens_at"] = pa.array(label.opens_at).cast(_UTC)
        columns[f"{name}_ends_at"] = pa.array(label.ends_at).cast(_UTC)
    return pa.table(columns)


def label_name(horizon: int) -> str:
    """Return the column of a horizon's label."""
    return f"label_{horizon}"


def _since(bars: Bars, recipe: Recipe) -> Bools:
    if recipe.start is None:
        return np.ones(len(bars), dtype=bool)
    after: Bools = bars.session >= np.datetime64(recipe.start)
    return after


def _sifted(
    wanted: Bools, is_out: Bools, is_suspect: Bools, matrix: Floats, ends_at: Times
) -> tuple[Bools, dict[str, int]]:
    """Return which bars give a row, and how many of the wanted ones do not, by first reason."""
    reasons = {
        NOT_MEMBER: is_out,
        SUSPECT: is_suspect,
        WARM_UP: ~np.isfinite(matrix).all(axis=1),
        UNLABELLED: np.isnat(ends_at),
    }
    keep, dropped = wanted, {}
    for reason, applies in reasons.items():
        dropped[reason] = int((keep & applies).sum())
        keep = keep & ~applies
    return keep, dropped
