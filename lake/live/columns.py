"""Columns of the newest bars of many series: moved on bar by bar, over a few bars of all, or over rings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lake.features.indicator import Column, Indicator
from lake.features.kernel import compute
from lake.features.own_terms import OwnTerms
from lake.features.registry import REGISTRY
from lake.live.handles import Handles
from lake.live.rings import Rings, Segments
from lake.live.twins import PRICE, STEPS, TALIB_WIDTHS, VOLUME, WIDTHS, Step, handle_of, width_of
from lake.market.bars import VALUES, Bars, Bools, Floats
from lake.market.timeframes import kind_of
from lake.rules.memory import Numbers


@dataclass(slots=True)
class Twin:
    """One indicator's step and the state of every series, with that of the session's start."""

    indicator: Indicator
    step: Step
    state: Floats
    before: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.state.copy()

    def move_on(self, series: Numbers, inputs: Sequence[Floats]) -> Floats:
        """Return the columns of the next bars, and move the states on."""
        out = np.empty((len(series), len(self.indicator.columns)))
        parameters = self.indicator.parameters.values()
        self.step.function(series, *inputs, self.state, *parameters, *self.step.besides, out)
        return out

    def rescale(self, series: int, ratio: float) -> None:
        """Bring a series to the terms after a split."""
        powers = np.full(self.state.shape[1] - 1, self.step.powers[-1])
        powers[: len(self.step.powers)] = self.step.powers
        places = self.state[series, 1:]
        # Divided as `OwnTerms` does it, so that a tie right after a split is one in both.
        places[powers == PRICE] /= ratio
        places[powers == VOLUME] *= ratio


class _Windowed(NamedTuple):
    """An indicator whose values hang on a few bars; with `needs_all` none of them may be missing."""

    indicator: Indicator
    width: int
    needs_all: bool


class _New(NamedTuple):
    """New bars: series and place of each, which have all the bars before them that a window may see."""

    series: Numbers
    places: Numbers
    is_old: Bools
    inputs: _Inputs
    old_inputs: _Inputs | None


class _Inputs:
    """What functions take of segments, each looked up once."""

    def __init__(self, rings: Rings, segments: Segments) -> None:
        self._rings, self._known = rings, dict[str, Floats]()
        self.segments = segments

    def __getitem__(self, name: str) -> Floats:
        if name not in self._known:
            self._known[name] = self.segments.of_ring(self._rings.floats[name])
        return self._known[name]


class Columns:
    """Some columns of one timeframe, for every series of its rings.

    `filled` are these and the ones that they are made from.
    """

    def __init__(self, names: Sequence[str], timeframe: str) -> None:
        self.names, self.timeframe = tuple(names), timeframe
        self._parts: list[Twin | Handles | _Windowed] = []
        self._rest: list[str] = []
        left_out: set[str] = set()
        for indicator in REGISTRY.in_order_of_need(names):
            part = None if left_out & set(indicator.columns_needed) else self._part(indicator)
            if part is not None:
                self._parts.append(part)
                continue
            left_out |= set(indicator.columns)
            self._rest += [name for name in names if name in indicator.columns]
        made = [name for part in self._parts for name in part.indicator.columns]
        self.filled = tuple(dict.fromkeys((*self.names, *made)))
        self._twins = [part for part in self._parts if isinstance(part, Twin)]
        self._handles = [part for part in self._parts if isinstance(part, Handles)]
        self._windowed = [part for part in self._parts if isinstance(part, _Windowed)]
        self._settles = REGISTRY.settle_bars(self._rest)

    def _part(self, indicator: Indicator) -> Twin | Handles | _Windowed | None:
        """Return how an indicator is computed; None if over the ring of each series."""
        if indicator.is_intraday and kind_of(self.timeframe) != "intraday":
            return None
        if step := STEPS.get(indicator.function):
            return Twin(indicator, step, np.zeros((0, step.size(**indicator.parameters))))
        if stream := handle_of(indicator):
            return Handles(indicator, stream)
        for widths, needs_all in ((WIDTHS, False), (TALIB_WIDTHS, True)):
            if (width := width_of(indicator, widths)) is not None:
                return _Windowed(indicator, width, needs_all)
        return None

    @property
    def keep(self) -> int:
        """Return how many bars before a session's first its values may rest on, states aside."""
        return max(self._settles, self.sees, self._sees_all, self._opens_with)

    @property
    def sees(self) -> int:
        """Return how many bars before one its windowed columns see, missing ones among them."""
        return max((part.width - 1 for part in self._windowed if not part.needs_all), default=0)

    @property
    def _sees_all(self) -> int:
        """Return how many bars before one have to be there for the other windowed columns."""
        return max((part.width - 1 for part in self._windowed if part.needs_all), default=0)

    @property
    def _opens_with(self) -> int:
        """Return how many bars before a split handles are opened with after it."""
        return max((handles.indicator.settle_bars for handles in self._handles), default=0)

    def add(self, series: int) -> None:
        """Make room for more series, which have not begun."""
        for twin in self._twins:
            more = np.zeros((series, twin.state.shape[1]))
            twin.state, twin.before = (np.concatenate((each, more)) for each in (twin.state, twin.before))
        for handles in self._handles:
            handles.add(series)

    def begin(self, series: int) -> None:
        """Keep what to go back to: the state before a session."""
        for twin in self._twins:
            twin.before[series] = twin.state[series]
        for handles in self._handles:
            handles.begin(series)

    def rewind(self, series: int) -> None:
        """Go back to the state before the session."""
        for twin in self._twins:
            twin.state[series] = twin.before[series]
        for handles in self._handles:
            handles.rewind(series)

    def states(self, series: Numbers) -> list[Any]:
        """Return a copy of the states of some series."""
        own = series.tolist()
        return [*(twin.state[series] for twin in self._twins), *(each.state(own) for each in self._handles)]

    def put(self, series: Numbers, states: Sequence[Any]) -> None:
        """Bring some series back to states that they had."""
        for twin, state in zip(self._twins, states[: len(self._twins)], strict=True):
            twin.state[series] = state
        for handles, state in zip(self._handles, states[len(self._twins) :], strict=True):
            handles.put(series.tolist(), state)

    def rescale(self, rings: Rings, series: int, ratio: float) -> None:
        """Bring a series to the terms after a split, in which its ring is already."""
        for twin in self._twins:
            twin.rescale(series, ratio)
        count = int(rings.count[series])
        for handles in self._handles:
            rows = slice(max(count - handles.indicator.settle_bars, 0), count)
            handles.open(series, [rings.floats[name][series, rows] for name in handles.indicator.inputs])

    def sums_before(self, series: int) -> dict[str, float]:
        """Return the values that cumulative columns of a series had before its session."""
        return {
            name: float(twin.before[series, -1])
            for twin in self._twins
            if twin.indicator.is_cumulative
            for name in twin.indicator.columns
        }

    def remember(self, series: int, bars: Bars, columns: Mapping[str, Column] | None = None) -> None:
        """Move a series on by the bars of a whole history; its sums end where those of `columns` do."""
        of = np.full(len(bars), series, dtype=np.int64)
        terms = OwnTerms.of(bars.later_splits)
        known: dict[str, Column] = dict(compute(bars, self.filled) if columns is None else columns)
        known |= {name: getattr(bars, name) for name in VALUES}
        known["session"] = bars.session.astype("datetime64[D]").astype(np.float64)
        known["split"] = terms.splits(len(bars))
        for twin in self._twins:
            own = terms.inputs(twin.indicator, known)
            twin.move_on(of, [np.ascontiguousarray(each) for each in own])
            if columns is not None and twin.indicator.is_cumulative:
                twin.state[series, -1] = columns[twin.indicator.columns[0]][-1]
        for handles in self._handles:
            handles.open(series, terms.last(handles.indicator, known))

    def fill_in(self, rings: Rings, segments: Segments, series: Numbers, places: Numbers) -> None:
        """Set the columns of new bars, given by series and place, and in segments with what stands before."""
        new = self._new(rings, segments, series, places)
        for part in self._parts:
            if isinstance(part, Twin):
                self._move_on(rings, part, new)
            elif isinstance(part, Handles):
                rings.floats[part.indicator.columns[0]][series, places] = part.move_on(
                    rings.floats, series, places
                )
            elif part.needs_all:
                self._fill_in_old(rings, part.indicator, new)
            else:
                outputs = part.indicator.apply(*(new.inputs[name] for name in part.indicator.inputs))
                made = [each[segments.is_new] for each in outputs]
                self._set(rings, part.indicator, made, series, places)
        if self._rest:
            self._fill_in_over_rings(rings, series, places, self._rest, self._settles)

    def _new(self, rings: Rings, segments: Segments, series: Numbers, places: Numbers) -> _New:
        before, inputs = self._sees_all, _Inputs(rings, segments)
        if not before:
            return _New(series, places, np.zeros(len(series), dtype=np.bool_), inputs, None)
        edges = np.flatnonzero(np.concatenate(([True], series[1:] != series[:-1], [True])))
        is_old: Bools = np.repeat(places[edges[:-1]] >= before, np.diff(edges))
        old = Segments.of(series[is_old], places[is_old], before) if is_old.any() else None
        return _New(series, places, is_old, inputs, _Inputs(rings, old) if old is not None else None)

    def _move_on(self, rings: Rings, twin: Twin, new: _New) -> None:
        inputs = [rings.values(name, new.series, new.places) for name in twin.indicator.inputs]
        self._set(rings, twin.indicator, twin.move_on(new.series, inputs).T, new.series, new.places)

    def _fill_in_old(self, rings: Rings, indicator: Indicator, new: _New) -> None:
        """Set columns of all series at once that have all the bars a window may see, of others one by one."""
        is_old, inputs = new.is_old, new.old_inputs
        if inputs is not None:
            outputs = indicator.apply(*(inputs[name] for name in indicator.inputs))
            made = [each[inputs.segments.is_new] for each in outputs]
            self._set(rings, indicator, made, new.series[is_old], new.places[is_old])
        if not is_old.all():
            young = ~is_old
            self._fill_in_over_rings(
                rings, new.series[young], new.places[young], indicator.columns, indicator.settle_bars
            )

    def _fill_in_over_rings(
        self, rings: Rings, series: Numbers, places: Numbers, names: Sequence[str], settles: int
    ) -> None:
        """Set columns series by series and bar by bar, each from as many bars as it needs to settle.

        Never from more: running sums depend on where they start, and a value must not depend on
        how many bars came in one message.
        """
        for number in dict.fromkeys(series.tolist()):
            bars = rings.bars("", self.timeframe, number)
            for place in places[series == number].tolist():
                first = max(place + 1 - settles, 0)
                for name, values in compute(bars[first : place + 1], names).items():
                    rings.floats[name][number, place] = values[-1]

    def _set(
        self,
        rings: Rings,
        indicator: Indicator,
        outputs: Sequence[Floats] | Floats,
        series: Numbers,
        places: Numbers,
    ) -> None:
        for name, values in zip(indicator.columns, outputs, strict=True):
            rings.floats[name][series, places] = values
