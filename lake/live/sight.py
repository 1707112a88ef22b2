"""The newest bars of one timeframe as its rules see them: values, columns, what other timeframes say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from lake.features.indicator import Scale
from lake.features.kernel import compute
from lake.features.registry import REGISTRY
from lake.live.carried import Carried
from lake.live.columns import Columns
from lake.live.elsewhere import Heard
from lake.live.needs import columns_read
from lake.live.rings import Rings, Segments
from lake.live.session import News
from lake.market.aggregate import micros
from lake.market.bars import PRICES, VALUES, Bars, Floats
from lake.rules.elsewhere import asks_of
from lake.rules.memory import Numbers, Rows, reach
from lake.rules.rule import Rule
from lake.rules.truth import Elsewhere, Frame, frame_of


class Sight:
    """Bars with the columns that rules read, each series in the terms of its current session.

    `heard` is what other timeframes say, by these: at least those that the rules ask.
    """

    def __init__(
        self, timeframe: str, rules: Sequence[Rule], session_bars: int, heard: Mapping[str, Heard]
    ) -> None:
        names, reaches = columns_read(rules), reach(rules)
        self._columns = Columns(names, timeframe)
        self._looks_back = max(reaches, self._columns.sees)
        self._heard = {name: heard[name] for name in asks_of(rules)}
        elsewhere = tuple(name for each in self._heard.values() for name in each.questions.names)
        self._rings = Rings(self._columns.filled, self._columns.keep + reaches, session_bars, elsewhere)
        self._scales: dict[str, Scale] = {**dict.fromkeys(PRICES, "price"), "volume": "volume"}
        self._scales |= {name: REGISTRY.indicator(name).scale for name in names}

    def add(self) -> None:
        """Make room for a series that has no bars yet."""
        self._rings.add(1)
        self._columns.add(1)

    def remember(self, series: int, bars: Bars, later_splits: Floats, carried: Carried | None) -> Rows:
        """Take in the bars of earlier sessions, split-adjusted, and return them as rules see them.

        Cumulative columns go on from the sums that a series `carried` from before.
        """
        columns: dict[str, Any] = compute(bars, self._rings.columns)
        if carried is not None:
            last = np.searchsorted(bars.session, np.datetime64(carried.session, "D"), side="right") - 1
            for name, value in carried.sums.items():
                if name in columns:
                    columns[name] += value - columns[name][last]
        for each in self._heard.values():
            columns |= each.history(series, micros(bars.closes_at))
        self._rings.fill(series, bars, columns, later_splits)
        self._columns.remember(series, bars, columns)
        own = {name: columns[name] for name in self._rings.columns}
        return Rows(
            frame_of(bars, own, later_splits, elsewhere=self._elsewhere(columns)),
            np.full(len(bars), series),
            np.ones(len(bars), dtype=np.bool_),
            bars.is_suspect,
        )

    def sums_before(self, series: int) -> dict[str, float]:
        """Return the values that cumulative columns of a series had before its session."""
        return self._columns.sums_before(series)

    def begin(self, series: int) -> None:
        """Start a session: forget what is too old, and keep what to go back to."""
        self._rings.begin(series)
        self._columns.begin(series)

    def rewind(self, series: int) -> None:
        """Bring a series back to the start of its session."""
        self._rings.count[series] = self._rings.begins[series]
        self._columns.rewind(series)

    def rescale(self, series: int, ratio: float) -> None:
        """Bring a series to the terms after a split."""
        self._rings.rescale(series, ratio)
        self._columns.rescale(self._rings, series, ratio)

    @contextmanager
    def unmoved(self, series: Numbers) -> Iterator[None]:
        """Let bars of some series be looked at, at most one each, and forget them again."""
        counts, states = self._rings.count[series], self._columns.states(series)
        try:
            yield
        finally:
            self._rings.count[series] = counts
            self._columns.put(series, states)

    def take(self, news: Sequence[News]) -> tuple[Rows, Numbers, Numbers]:
        """Take in new bars, which stand by series; return them with the older ones that rules look back to.

        Also when each of these rows starts and closes, in microseconds since 1970, UTC.
        """
        series = np.array([each.series for each in news], dtype=np.int64)
        sessions = np.array([each.session for each in news], dtype=np.int64)
        ends = np.array([each.closes_at for each in news], dtype=np.int64)
        places = self._rings.append(series, sessions, ends, [each.candle for each in news])
        self._ask(news, series, places)
        segments = Segments.of(series, places, self._looks_back)
        self._columns.fill_in(self._rings, segments, series, places)
        of, at = segments.series, segments.place
        rows = Rows(self._frame(segments), of, segments.is_new, self._rings.is_suspect[of, at])
        return rows, self._rings.times["ts"][of, at], self._rings.times["closes_at"][of, at]

    def _ask(self, news: Sequence[News], series: Numbers, places: Numbers) -> None:
        """Enter beside new bars what they know of other timeframes."""
        for heard in self._heard.values():
            known = [heard.known(each.series, each.closes_at) for each in news]
            for name, values in zip(heard.questions.names, zip(*known, strict=True), strict=True):
                self._rings.floats[name][series, places] = values

    def _frame(self, segments: Segments) -> Frame:
        floats = self._rings.floats
        values = {name: segments.of_ring(floats[name]) for name in (*VALUES, *self._columns.names)}
        elsewhere = {name: segments.of_ring(floats[name]) for name in self._rings.elsewhere}
        splits = segments.of_ring(floats["later_splits"])
        return Frame(values, self._scales, splits, self._elsewhere(elsewhere))

    def _elsewhere(self, columns: Mapping[str, Floats]) -> Elsewhere:
        found = [each.questions.elsewhere(columns) for each in self._heard.values()]
        truths = {question: said for each in found for question, said in each.truths.items()}
        return Elsewhere(truths, {name: seen for each in found for name, seen in each.values.items()})
