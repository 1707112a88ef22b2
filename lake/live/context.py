"""One timeframe that rules of others ask: closed bars in, answers out, corrected as rules' own bars are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from lake.alerts.alert import Alert
from lake.features.kernel import compute
from lake.live.carried import Carried
from lake.live.elsewhere import Heard, Questions, Told
from lake.live.session import News
from lake.live.watch import Watch
from lake.market.adjust import adjusted, split_factor
from lake.market.bars import Actions, Bars
from lake.rules.conditions import On
from lake.rules.elsewhere import answered
from lake.rules.memory import judge
from lake.rules.rule import Case, Rule, columns_of
from lake.rules.truth import UNKNOWN, measured, truth


class Context(Watch):
    """What one timeframe's bars say of the questions of rules for other timeframes, as they close.

    `heard` has each series' answers; a `Watch` reads them there. It raises nothing itself.
    """

    def __init__(self, timeframe: str, asked: Sequence[On], session_bars: int) -> None:
        super().__init__(timeframe, [_bearer(timeframe, asked)], session_bars)
        self.heard = Heard(Questions(asked), [])
        self._kept = 2 * session_bars + 1
        self._changed: dict[int, int] = {}

    def add(self, symbol: str, actions: Actions) -> int:
        """Enter a symbol that has no bars yet and return the number of its series."""
        self.heard.told.append(Told())
        return super().add(symbol, actions)

    def hear(self, news: Sequence[News], now: datetime) -> dict[int, int]:
        """Take in bars; return for each series from which close on its answers are new."""
        for series in {each.series for each in news}:
            # What a session before said is still asked, one before that is not: nobody goes back so far.
            if len(self.heard.told[series].rows) > 2 * self._kept:
                self.heard.told[series].keep(slice(-self._kept, None))
        self._changed = {}
        self.take(news, now)
        return self._changed

    def _remember(self, series: int, bars: Bars, carried: Carried | None = None) -> None:
        super()._remember(series, bars, carried)
        self.heard.told[series] = told_of(self.heard.questions, bars, self._actions[series])

    def _rewind(self, series: int) -> None:
        super()._rewind(series)
        self.heard.told[series].take_back(min(self._sessions[series].bars))

    def _raised(self, rows: list[News], now: datetime) -> list[Alert]:
        scene = self._scene_of(rows)
        is_new, frame, asked = scene.rows.is_new, scene.rows.frame, self.heard.questions.asked
        may_hold = judge(scene.rows, self._memory).may_hold
        columns = [np.where(may_hold, truth(each.part, frame)[is_new], UNKNOWN) for each in asked]
        columns += [measured(each, frame)[0][is_new] for each in self.heard.questions.operands.values()]
        for row, said in zip(rows, np.array(columns, dtype=float).T.tolist(), strict=True):
            self.heard.told[row.series].add(row.closes_at, tuple(said))
            self._changed[row.series] = min(row.closes_at, self._changed.get(row.series, row.closes_at))
        return []


def told_of(questions: Questions, bars: Bars, actions: Actions) -> Told:
    """Return what a symbol's bars as traded answer."""
    split_bars = adjusted(bars, actions, "split")
    later_splits = split_factor(bars.session, actions.up_to(bars.session[-1]))
    columns = compute(split_bars, columns_of(questions.asked))
    return questions.told(answered(questions.asked, split_bars, columns, later_splits))


def _bearer(timeframe: str, asked: Sequence[On]) -> Rule:
    """Return a rule that reads what the questions read, so that their columns are kept."""
    cases = tuple(Case("neutral", each.part) for each in asked)
    return Rule("asked", "", (timeframe,), "every_bar", "info", cases)
