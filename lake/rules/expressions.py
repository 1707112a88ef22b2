"""From text such as `close >= 0.99 * ema_169` or `macd crosses_above macd_signal` to conditions.

Python's own parser reads the text into a tree; only the few shapes named here are accepted, and
nothing is ever run.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from lake.features.registry import near
from lake.market.timeframes import TIMEFRAMES
from lake.rules.conditions import (
    All,
    Arithmetic,
    Compare,
    Comparison,
    Condition,
    Count,
    Cross,
    Expression,
    Number,
    On,
    Operation,
    Recently,
    Throughout,
    Value,
    asked_of,
    values_of,
)

LONGEST = 500
"""Characters of one condition; more is a mistake or an attack."""

DEEPEST = 60
"""Levels of a condition; Python's own functions on trees give up at some hundreds."""

MOST_BARS = 10_000
"""Bars that a condition may look back."""

LARGEST = 1e100
"""Numbers reach this far, so that no product of two overflows."""

_COMPARISONS: dict[type[ast.cmpop], Comparison] = {
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_OPERATIONS: dict[type[ast.operator], Operation] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
WINDOWS = ("for", "within", "on")
"""Words that say on which bars a condition is to hold."""

_WINDOW = re.compile(rf"(\S.*)\s+({'|'.join(WINDOWS)})\s+(.*)", re.DOTALL)
_BARS = re.compile(r"([1-9]\d{0,5})\s+bars?")
_CROSS = re.compile(r"\bcrosses_(\w+)")
_MEANT = {"=": "==", "=>": ">=", "=<": "<=", "&&": "an `all:` of both", "||": "an `any:` of both"}
_OPERATORS = "only + - * / and brackets make new values"
_QUOTED = 80
_EXAMPLE = "a comparison such as `ema_8 > ema_13` or `macd crosses_above macd_signal`"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a condition may name: values, which of them are flags, and the states of rules above it.

    `marks` are the flags that are -1, 0 or 1 and nothing else.
    """

    values: Collection[str]
    flags: Collection[str] = ()
    marks: Collection[str] = ()
    states: Mapping[str, Mapping[str, Condition]] = field(default_factory=dict)


class Refused(Exception):
    """Text that is no condition: what was expected, and what was found."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.expected, self.found = expected, found


def parse_condition(text: str, scope: Scope) -> Condition:
    """Return the condition that `text` means.

    Raises:
        Refused: it is not a condition.
    """
    if len(text) > LONGEST:
        raise Refused(
            f"a condition of at most {LONGEST} characters", f"{len(text):,}; split it under `all:` or `any:`"
        )
    if window := _WINDOW.fullmatch(text.strip()):
        if window[1].count("(") != window[1].count(")"):
            raise Refused(
                f"`{window[2]}` at the end of a condition",
                f"it in brackets in {text!r}; count a rule's state",
            )
        return in_window(parse_condition(window[1], scope), window[2], window[3])
    if cross := _CROSS.search(text):
        return _cross(text, cross, scope)
    return _condition(_tree(text), text, scope)


def in_window(part: Condition, word: str, bars: str) -> Condition:
    """Return `part` `for` or `within` a number of bars, given as `3 bars`, or `on` a timeframe's bars.

    Raises:
        Refused: `bars` is no such number or timeframe, or `part` is about another timeframe already.
    """
    if word == "on":
        return _on(part, bars.strip().removesuffix(" bars").strip())
    match = _BARS.fullmatch(bars.strip())
    if not match or int(match[1]) > MOST_BARS:
        raise Refused(f"`{word} N bars` with N from 1 to {MOST_BARS:,}", f"`{word} {' '.join(bars.split())}`")
    if match[1] == "1":
        return part
    return (Throughout if word == "for" else Recently)(part, int(match[1]))


def _on(part: Condition, timeframe: str) -> On:
    if timeframe not in TIMEFRAMES:
        raise Refused(
            f"`on` with one of {', '.join(TIMEFRAMES)}", f"{timeframe!r}{near(timeframe, TIMEFRAMES)}"
        )
    if inner := next(asked_of(part), None):
        raise Refused("one other timeframe in a condition", f"`on {timeframe}` around `on {inner.timeframe}`")
    if not any(True for _ in values_of(part)):
        raise Refused("a condition on a bar value or a column", f"`{part} on {timeframe}`")
    return On(timeframe, part)


def _condition(node: ast.expr, text: str, scope: Scope) -> Condition:
    match node:
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            raise Refused("one comparison", f"{text!r}; write and, or, not as `all:`, `any:`, `not:`")
        case ast.Compare():
            return _chain(node, text, scope)
        case ast.Name(id=rule) if rule in scope.states and rule not in scope.flags:
            states = ", ".join(f"`{rule}.{state}`" for state in scope.states[rule])
            raise Refused(f"one of {states}", f"{rule!r} alone, which does not say when it is to hold")
        case ast.Attribute(value=ast.Name(id=rule), attr=state):
            return _state(rule, state, scope)
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)) if name in scope.flags:
            return Compare(_expression(node, text, scope), "!=", Number(0.0))
        case ast.Name(id=name) if name not in scope.values:
            raise Refused(f"{_EXAMPLE}, or a pattern", f"{name!r}{near(name, scope.flags)}")
    raise Refused(_EXAMPLE, _short(text))


def _state(rule: str, state: str, scope: Scope) -> Condition:
    if rule not in scope.states:
        raise Refused(
            "a rule that stands above this one",
            f"{rule!r}{near(rule, scope.states)}; move a rule up that others name",
        )
    states = scope.states[rule]
    if state not in states:
        raise Refused(f"a state of {rule}, one of {', '.join(states)}", f"{state!r}{near(state, states)}")
    return states[state]


def _cross(text: str, word: re.Match[str], scope: Scope) -> Cross:
    if word[1] not in ("above", "below"):
        raise Refused("crosses_above or crosses_below", repr(word[0]))
    sides = text[: word.start()], text[word.end() :]
    if not all(side.strip() for side in sides) or _CROSS.search(sides[1]):
        raise Refused(f"one value on each side of {word[0]}", repr(text))
    left, right = (_expression(_tree(side), side, scope) for side in sides)
    _check_flags(left, right, text, scope)
    return Cross(left, "above" if word[1] == "above" else "below", right)


_PARSING = threading.Lock()
"""One thread at a time: Python 3.11 counts how deep it is in a tree for all threads together."""


def _tree(text: str) -> ast.expr:
    try:
        with _PARSING, warnings.catch_warnings():
            # Of `3for`, which Python only frowns at; other threads' warnings must stay what they are.
            warnings.filterwarnings("error", message="invalid .* literal")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused(_EXAMPLE, f"{_short(text)}{_slip(text)}") from None
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    raise Refused(f"at most {DEEPEST} brackets or operators inside one another", f"more in {_short(text)}")


def _slip(text: str) -> str:
    """Return what to do about a mistake that is often made, or nothing."""
    if text.count("(") != text.count(")"):
        return "; close its brackets"
    if wrong := re.search(r"=>|=<|&&|\|\||(?<![<>=!])=(?!=)", text):
        return f"; write {_MEANT[wrong[0]]} for {wrong[0]}"
    return ""


def _short(text: str) -> str:
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")


def _chain(node: ast.Compare, text: str, scope: Scope) -> Condition:
    """Return `a > b > c` as both of its comparisons."""
    operands = [_expression(each, text, scope) for each in (node.left, *node.comparators)]
    parts = []
    for operator, (left, right) in zip(node.ops, pairwise(operands), strict=True):
        if type(operator) not in _COMPARISONS:
            raise Refused(f"one of {' '.join(_COMPARISONS.values())}", f"another operator in {text!r}")
        _check_flags(left, right, text, scope)
        parts.append(Compare(left, _COMPARISONS[type(operator)], right))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _check_flags(left: Expression, right: Expression, text: str, scope: Scope) -> None:
    """Refuse a pattern that is compared with what it can never be.

    Raises:
        Refused: a flag is compared with a value, or one that is only there or not with a number but 0 and 1.
    """
    for flag, other in ((left, right), (right, left)):
        if not isinstance(flag, Value) or flag.name not in scope.flags:
            continue
        if isinstance(other, Value) and other.name not in scope.flags:
            raise Refused(
                f"`{flag.name}` alone, or compared with a number", f"it beside {other.name} in {text!r}"
            )
        if flag.name in scope.marks and isinstance(other, Number) and abs(other.value) not in (0, 1):
            raise Refused(f"`{flag.name}` alone: a pattern is there or not", f"it beside {other} in {text!r}")


def _expression(node: ast.expr, text: str, scope: Scope) -> Expression:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return _number(number, text)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return _number(-number, text)
        case ast.Name(id=name):
            return Value(_known(name, scope.values))
        case ast.Subscript(value=ast.Name(id=name), slice=index):
            return Value(_known(name, scope.values), _bars_ago(name, index))
        case ast.Call(func=ast.Name(id="count")):
            return _count(node, text, scope)
        case ast.Subscript(value=ast.Call(func=ast.Name(id="count")) as call, slice=index):
            return replace(_count(call, text, scope), bars_ago=_bars_ago(ast.unparse(call), index))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATIONS:
            operation = _OPERATIONS[type(operator)]
            return Arithmetic(_expression(left, text, scope), operation, _expression(right, text, scope))
        case ast.BinOp():
            raise Refused("one of + - * / between values", f"another operator in {text!r}; {_OPERATORS}")
        case ast.Compare():
            raise Refused("a value", f"a comparison in brackets in {text!r}; write it without them")
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in scope.states:
        said = f"{ast.unparse(node)!r} in {text!r}; a state stands alone, or is counted: count(STATE, 15)"
        raise Refused("a number, a bar value or a column", said)
    raise Refused(
        "a number, a bar value or a column", f"{_short(ast.unparse(node))} in {_short(text)}; {_OPERATORS}"
    )


def _count(call: ast.Call, text: str, scope: Scope) -> Count:
    match call:
        case ast.Call(args=[condition, ast.Constant(value=int() as bars)], keywords=[]):
            if type(bars) is int and 0 < bars <= MOST_BARS:
                return Count(_condition(condition, text, scope), bars)
    raise Refused(f"count(CONDITION, N) with N from 1 to {MOST_BARS:,} bars", repr(ast.unparse(call)))


def _number(value: float, text: str) -> Number:
    if not abs(value) < LARGEST:
        raise Refused(f"a number below {LARGEST:g}", f"a larger one in {_short(text)}")
    return Number(float(value) + 0.0)


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        hint = near(name, names) or "; `lake columns` lists them"
        raise Refused("a bar value or a registered column", f"{name!r}{hint}")
    return name


def _bars_ago(name: str, index: ast.expr) -> int:
    match index:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=bars)) if type(bars) is int:
            if 0 < bars <= MOST_BARS:
                return bars
    raise Refused(
        f"an earlier bar such as {name}[-1]",
        f"{name}[{ast.unparse(index)}]; a rule can look back up to {MOST_BARS:,} bars and never ahead",
    )
