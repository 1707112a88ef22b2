"""The evaluator against a small model: plain loops over None, True and False."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lake.rules.conditions import (
    All,
    Any,
    Arithmetic,
    Compare,
    Condition,
    Count,
    Cross,
    Expression,
    Not,
    Number,
    Recently,
    Throughout,
    Value,
)
from lake.rules.evaluate import SIDE_CODES, evaluate, side_name
from lake.rules.language import SIDES, Case, Rule
from lake.rules.truth import Frame, truth
from tests.builders import daily_bars, sessions

SCALES = {"close": "price", "macd": "price", "rsi_14": "percent", "volume": "volume", "color": "flag"}
DAYS = sessions("2012-01-03", 15)

near_whole = st.builds(
    lambda whole, rounding: whole * (1 + rounding),
    st.integers(-4, 4).map(float),
    st.sampled_from((0.0, 4e-10, -4e-10, 3e-9)),
)
value = st.one_of(near_whole, st.just(math.nan))
lags = st.integers(0, 3)
expressions: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(
        st.builds(Number, st.integers(-4, 4).map(float)),
        st.builds(Value, st.sampled_from(sorted(SCALES)), lags),
    ),
    lambda inner: st.builds(Arithmetic, inner, st.sampled_from("+-*/"), inner),
    max_leaves=3,
)
leaves = st.one_of(
    st.builds(Compare, expressions, st.sampled_from((">", ">=", "<", "<=", "==", "!=")), expressions),
    st.builds(Cross, expressions, st.sampled_from(("above", "below")), expressions),
)
counts = st.builds(
    Compare,
    st.builds(Count, leaves, st.integers(1, 5), st.integers(0, 3)),
    st.sampled_from((">", "==", "<=")),
    st.one_of(st.builds(Number, st.integers(0, 3).map(float)), st.builds(Count, leaves, st.integers(1, 3))),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    st.one_of(leaves, counts),
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Any, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
        st.builds(Throughout, inner, st.integers(1, 6)),
        st.builds(Recently, inner, st.integers(1, 6)),
    ),
    max_leaves=6,
)


@dataclass
class Model:
    """Rows as dictionaries; `ask` answers for one row, None where it cannot know."""

    rows: list[dict[str, float]]

    def ask(self, condition: Condition, row: int) -> bool | None:
        if row < 0:
            return None
        match condition:
            case Compare(left, comparison, right):
                return self.compare(left, comparison, right, row)
            case Cross(left, direction, right):
                sign = ">" if direction == "above" else "<"
                before = self.compare(left, sign, right, row - 1) if row else None
                return both(self.compare(left, sign, right, row), negated(before))
            case All(parts):
                return every([self.ask(part, row) for part in parts])
            case Any(parts):
                return negated(every([negated(self.ask(part, row)) for part in parts]))
            case Not(part):
                return negated(self.ask(part, row))
            case Throughout(part, bars):
                return every([self.ask(part, row - ago) for ago in range(bars)])
            case Recently(part, bars):
                return negated(every([negated(self.ask(part, row - ago)) for ago in range(bars)]))

    def compare(self, left: Expression, comparison: str, right: Expression, row: int) -> bool | None:
        (a, scale_a), (b, scale_b) = self.value(left, row), self.value(right, row)
        tolerance = 1e-9 * max(scale_a, scale_b)
        if not math.isfinite(a - b) or not math.isfinite(tolerance):
            return None
        equal = abs(a - b) <= tolerance
        return {
            ">": a > b and not equal,
            ">=": a > b or equal,
            "<": a < b and not equal,
            "<=": a < b or equal,
            "==": equal,
            "!=": not equal,
        }[comparison]

    def value(self, expression: Expression, row: int) -> tuple[float, float]:
        match expression:
            case Number(number):
                return number, abs(number)
            case Value(name, ago):
                found = self.rows[row - ago][name] if row >= ago else math.nan
                unit = {"price": abs(self.rows[row]["close"]), "volume": abs(self.rows[row]["volume"]),
                        "percent": 100.0, "flag": 1.0}[SCALES[name]]  # fmt: skip
                return found, max((x for x in (abs(found), unit) if not math.isnan(x)), default=math.nan)
            case Count(part, bars, ago):
                answers = [self.ask(part, row - ago - back) for back in range(bars)]
                return (math.nan if None in answers else float(answers.count(True))), 1.0
            case Arithmetic(left, operation, right):
                (a, scale_a), (b, scale_b) = self.value(left, row), self.value(right, row)
                if operation in "+-":
                    return (a + b if operation == "+" else a - b), max(scale_a, scale_b)
                if operation == "*":
                    return a * b, scale_a * scale_b
                if b == 0 or math.isnan(a) or math.isnan(b):
                    return math.nan, math.nan
                return a / b, max(scale_a, abs(a / b) * scale_b) / abs(b)
        raise AssertionError(expression)


def negated(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def every(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def both(first: bool | None, second: bool | None) -> bool | None:
    return every([first, second])


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[float]]:
    count = draw(st.integers(0, 12))
    return {name: draw(st.lists(value, min_size=count, max_size=count)) for name in SCALES}


def rows_of(table: dict[str, list[float]]) -> list[dict[str, float]]:
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


@given(conditions, tables())
def test_a_condition_is_true_false_or_unknown_as_the_model_says(
    condition: Condition, table: dict[str, list[float]]
) -> None:
    frame = Frame({name: np.array(values, dtype=float) for name, values in table.items()}, SCALES)
    model = Model(rows_of(table))
    expected = [{True: 1, False: -1, None: 0}[model.ask(condition, row)] for row in range(len(model.rows))]
    assert truth(condition, frame).tolist() == expected


@given(
    st.lists(
        st.tuples(st.sampled_from(SIDES), leaves), min_size=1, max_size=3, unique_by=lambda case: case[0]
    ),
    st.sampled_from(("on_change", "every_bar")),
    st.data(),
)
def test_signals_are_those_of_a_plain_loop(
    cases: list[tuple[str, Condition]], fires: str, data: st.DataObject
) -> None:
    """The loop walks the complete bars once and remembers the last side of a judged one."""
    count = data.draw(st.integers(0, len(DAYS)))

    def column(values: st.SearchStrategy[float]) -> list[float]:
        return data.draw(st.lists(values, min_size=count, max_size=count))

    closes = column(st.sampled_from((1.0, 2.0, 3.0)))
    complete = column(st.booleans())
    suspect = column(st.sampled_from((False,) * 9 + (True,)))
    bars = daily_bars(DAYS[:count], closes, volume=column(st.sampled_from((1.0, 2.0))))
    bars = replace(bars, is_complete=np.array(complete, dtype=bool), is_suspect=np.array(suspect, dtype=bool))
    columns = {name: np.array(column(value), dtype=float) for name in ("macd", "rsi_14", "color")}
    rule = Rule("r", "d", ("1d",), fires, "info", tuple(Case(side, part) for side, part in cases))
    signals = evaluate(rule, bars, columns)

    rows = np.flatnonzero(bars.is_complete)
    table = {name: values[rows].tolist() for name, values in columns.items()}
    model = Model(
        rows_of({"close": bars.close[rows].tolist(), "volume": bars.volume[rows].tolist(), **table})
    )
    last, clean, moved = None, 5, False
    for at, row in enumerate(rows):
        clean = 0 if suspect[row] else clean + 1
        moved = moved or closes[row] != closes[rows[0]]
        side = None
        if clean >= 5 and moved:
            side = next((side for side, part in cases if model.ask(part, at) is True), None)
            assert bool(signals.fires[row]) == (side is not None and (fires == "every_bar" or side != last))
            last = side
        else:
            assert not signals.fires[row]
        assert side_name(signals.side[row]) == side
    assert not signals.side[~bars.is_complete].any() and not signals.fires[~bars.is_complete].any()
    assert set(signals.side.tolist()) <= {0, *SIDE_CODES.values()}
