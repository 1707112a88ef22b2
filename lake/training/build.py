"""Building a training set: symbol by symbol, twice over the same snapshot, in bounded memory.

The first pass finds the moments of all rows, and so where the splits meet; the second writes them.
Rows are in order of symbol and time in each file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from lake.errors import BadInput
from lake.market.bars import Actions, Bars, Times
from lake.market.sessions import Calendar
from lake.membership import Membership
from lake.store.digest import digest
from lake.training.columns import Feature
from lake.training.folder import SetWriter
from lake.training.labels import Labels
from lake.training.lookahead import CUTS, largest_difference
from lake.training.recipe import Recipe
from lake.training.rows import History, SymbolRows, history_of, label_name, row_table, symbol_rows
from lake.training.scaler import Moments, Scaler
from lake.training.splits import EMBARGOED, PURGED, SPLITS, Cuts, assign, cuts

Histories = Callable[[], Iterator[tuple[Bars, Actions]]]
"""Gives each symbol's bars as traded and its actions, the same each time it is called."""

NO_TIMES: Times = np.empty(0, dtype="datetime64[us]")


@dataclass(slots=True)
class Contents:
    """What a training set holds, gathered while it is written."""

    scaler: Scaler
    rows: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    universe: dict[str, dict[str, Any]] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)
    splits: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    lookahead: dict[str, Any] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        """Return the sha256 over all values in order of split and symbol, whatever files hold them."""
        return _sha256(sorted(self.digests))


@dataclass(frozen=True, slots=True)
class Builder:
    """One recipe over one snapshot of histories; `calendars` has each symbol's exchange.

    `membership` says of symbols since when and until when they belong to the universe.
    """

    histories: Histories
    calendars: Mapping[str, Calendar]
    recipe: Recipe
    features: tuple[Feature, ...]
    membership: Membership = field(default_factory=dict)

    def schema(self) -> pa.Schema:
        """Return the columns of a split's file."""
        none = np.empty((0, len(self.features)))
        labels = tuple(_no_label(horizon) for horizon in self.recipe.horizons)
        empty = SymbolRows("", self.recipe.timeframe, NO_TIMES, NO_TIMES, none, labels, {})
        return row_table(empty, self.features).schema

    def build(self, writer: SetWriter) -> Contents:
        """Write all rows and return what was written.

        Raises:
            BadInput: there are no rows, or too few for three splits.
            BadConfiguration: a column looks ahead.
        """
        survey = self._survey()
        at = cuts(survey.times, self.recipe.fractions, self.recipe.embargo_bars)
        return self._write(writer, survey, at)

    def _survey(self) -> _Survey:
        found = _Survey()
        for bars, actions in self.histories():
            history = history_of(bars, actions, self.recipe, self.features)
            difference = largest_difference(history, self.features)
            rows = self._rows_of(history)
            found.add(rows, difference)
        if not len(found.times):
            raise BadInput(
                f"expected {self.recipe.timeframe} bars with features and labels, found none "
                f"(dropped: {_listed(found.dropped)}); ingest a longer history or widen --from and --to"
            )
        return found

    def _rows_of(self, history: History) -> SymbolRows:
        days = self.calendars[history.complete.symbol]
        return symbol_rows(history, days, self.recipe, self.membership)

    def _write(self, writer: SetWriter, survey: _Survey, at: Cuts) -> Contents:
        moments = Moments.of(np.empty((0, len(self.features))))
        names = tuple(feature.name for feature in self.features)
        contents = Contents(Scaler.fitted(names, moments), dropped=survey.dropped)
        spans = _Spans(self.recipe.horizons)
        for bars, actions in self.histories():
            history = history_of(bars, actions, self.recipe, self.features)
            rows = self._rows_of(history)
            codes = assign(rows.closes_at, rows.ends_at, at)
            contents.dropped["purged"] += int((codes == PURGED).sum())
            contents.dropped["embargoed"] += int((codes == EMBARGOED).sum())
            moments = moments.merged(Moments.of(rows.features[codes == SPLITS.index("train")]))
            spans.add(rows, codes)
            self._write_symbol(writer, rows, codes, contents)
        contents.scaler = Scaler.fitted(names, moments)
        contents.labels, contents.splits = spans.labels, spans.splits
        contents.lookahead = {
            "verdict": "clean",  # else nothing would be written
            "cuts_per_symbol": CUTS,
            "largest_difference": survey.difference,
        }
        _check_rows(contents.rows)
        return contents

    def _write_symbol(self, writer: SetWriter, rows: SymbolRows, codes: Any, contents: Contents) -> None:
        table = row_table(rows, self.features)
        own: dict[str, int] = {}
        digests: list[str] = []
        for index, split in enumerate(SPLITS):
            part = table.filter(pa.array(codes == index))
            own[split] = part.num_rows
            if part.num_rows:
                writer.write(split, part)
                digests.append(f"{split}:{rows.symbol}:{digest(part)}")
        contents.rows.update(own)
        contents.digests += digests
        if digests:
            contents.universe[rows.symbol] = {**own, "digest": _sha256(digests)[:16]}


@dataclass(slots=True)
class _Survey:
    """The distinct moments of all rows, and what was dropped on the way."""

    times: Times = field(default_factory=lambda: NO_TIMES)
    dropped: Counter[str] = field(default_factory=Counter)
    difference: float = 0.0

    def add(self, rows: SymbolRows, difference: float) -> None:
        self.times = np.union1d(self.times, rows.closes_at)
        self.dropped.update(rows.dropped)
        self.difference = max(self.difference, difference)


class _Spans:
    """First and last moments of each split, and how many labels of which span there are."""

    def __init__(self, horizons: Sequence[int]) -> None:
        self.labels: dict[str, dict[str, Any]] = {
            label_name(horizon): {"bars": horizon, "rows": 0, "longest_span_days": 0.0}
            for horizon in horizons
        }
        self.splits: dict[str, dict[str, Any]] = {split: {} for split in SPLITS}

    def add(self, rows: SymbolRows, codes: Any) -> None:
        for index, split in enumerate(SPLITS):
            chosen = codes == index
            if chosen.any():
                self._widen(split, "first_closes_at", rows.closes_at[chosen].min(), min)
                self._widen(split, "last_closes_at", rows.closes_at[chosen].max(), max)
                self._widen(split, "last_label_ends_at", rows.ends_at[chosen].max(), max)
        for label in rows.labels:
            full = (codes >= 0) & ~np.isnat(label.ends_at)
            own = self.labels[label_name(label.horizon)]
            own["rows"] += int(full.sum())
            if full.any():
                days = (label.ends_at - label.opens_at)[full].max() / np.timedelta64(1, "D")
                own["longest_span_days"] = max(own["longest_span_days"], round(float(days), 6))

    def _widen(self, split: str, name: str, moment: np.datetime64, choose: Callable[..., str]) -> None:
        text = f"{moment.astype('datetime64[us]')}Z"
        self.splits[split][name] = choose(text, self.splits[split].get(name, text))


def _no_label(horizon: int) -> Labels:
    return Labels(horizon, np.empty(0), NO_TIMES, NO_TIMES)


def _check_rows(rows: Mapping[str, int]) -> None:
    if empty := [split for split in SPLITS if not rows[split]]:
        raise BadInput(
            f"expected rows in each of train, validation and test, found none left in {empty[0]} after "
            "purging and embargo; ingest a longer history, or ask for shorter horizons"
        )


def _sha256(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _listed(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in dropped.items() if count) or "nothing"
