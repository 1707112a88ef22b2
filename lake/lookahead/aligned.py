"""Two views of one symbol, the shorter one a prefix: which rows are the same bars, and on what basis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lake.features.indicator import SPLIT_EXPONENT, Scale
from lake.lookahead.view import View
from lake.market.adjust import split_factor
from lake.market.aggregate import Indices, micros
from lake.market.bars import Actions, Bars, Bools


@dataclass(frozen=True, slots=True)
class Aligned:
    """A prefix's view and the whole's: the complete bars of the prefix are `done` and stand on `rows` there.

    `ratio` is the product of the splits after the prefix, `until` the close of the last bar that was kept.
    """

    part: View
    whole: View
    done: Bools
    rows: Indices
    ratio: float
    until: np.datetime64

    @property
    def bars(self) -> Bars:
        """Return the complete bars of the prefix."""
        return self.part.bars[self.done]

    def in_terms_of_part(self, scale: Scale) -> float:
        """Return what the whole's values of a scale are multiplied by to be in the prefix's terms."""
        return float(self.ratio ** -SPLIT_EXPONENT[scale])


def aligned(part: View, whole: View, actions: Actions, until: np.datetime64) -> Aligned:
    """Return two views whose complete bars agree, row by row."""
    done = part.bars.is_complete
    rows = np.searchsorted(micros(whole.bars.ts), micros(part.bars.ts[done]))
    last, end = part.bars.session[-1:], whole.bars.session[-1]
    ratio = float(split_factor(last, actions.up_to(end))[0])
    return Aligned(part, whole, done, rows, ratio, until)
