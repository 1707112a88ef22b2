"""From text such as `close >= 0.99 * ema_169` or `macd crosses_above macd_signal` to conditions.

Python's own parser reads the text into a tree; only the few shapes named here are accepted, and
nothing is ever run.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection
from itertools import pairwise

from lake.features.registry import near
from lake.rules.conditions import (
    All,
    Arithmetic,
    Compare,
    Comparison,
    Condition,
    Cross,
    Expression,
    Number,
    Operation,
    Recently,
    Throughout,
    Value,
)

LONGEST = 500
"""Characters of one condition; more is a mistake or an attack."""

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
_WINDOW = re.compile(r"(\S.*)\s+(for|within)\s+(.*)", re.DOTALL)
_BARS = re.compile(r"([1-9]\d{0,5})\s+bars?")
_CROSS = re.compile(r"\bcrosses_(\w+)")
_EXAMPLE = "a comparison such as `ema_8 > ema_13` or `macd crosses_above macd_signal`"


class Refused(Exception):
    """Text that is no condition: what was expected, and what was found."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.expected, self.found = expected, found


def parse_condition(text: str, names: Collection[str]) -> Condition:
    """Return the condition that `text` means; `names` are the values it may read.

    Raises:
        Refused: it is not a condition.
    """
    if len(text) > LONGEST:
        raise Refused(f"a condition of at most {LONGEST} characters", f"{len(text):,}")
    if window := _WINDOW.fullmatch(text.strip()):
        return in_window(parse_condition(window[1], names), window[2], window[3])
    if cross := _CROSS.search(text):
        return _cross(text, cross, names)
    node = _tree(text)
    if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        raise Refused("one comparison", f"{text!r}; write and, or, not as `all:`, `any:`, `not:`")
    if not isinstance(node, ast.Compare):
        raise Refused(_EXAMPLE, repr(text))
    return _chain(node, text, names)


def in_window(part: Condition, word: str, bars: str) -> Condition:
    """Return `part` `for` or `within` a number of bars, given as `3 bars`.

    Raises:
        Refused: `bars` is no such number.
    """
    match = _BARS.fullmatch(bars.strip())
    if not match or int(match[1]) > MOST_BARS:
        raise Refused(f"`{word} N bars` with N from 1 to {MOST_BARS:,}", f"`{word} {' '.join(bars.split())}`")
    return (Throughout if word == "for" else Recently)(part, int(match[1]))


def _cross(text: str, word: re.Match[str], names: Collection[str]) -> Cross:
    if word[1] not in ("above", "below"):
        raise Refused("crosses_above or crosses_below", repr(word[0]))
    sides = text[: word.start()], text[word.end() :]
    if not all(side.strip() for side in sides) or _CROSS.search(sides[1]):
        raise Refused(f"one value on each side of {word[0]}", repr(text))
    left, right = (_expression(_tree(side), side, names) for side in sides)
    return Cross(left, "above" if word[1] == "above" else "below", right)


def _tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as `3for`, which Python only frowns at
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused(_EXAMPLE, repr(text)) from None


def _chain(node: ast.Compare, text: str, names: Collection[str]) -> Condition:
    """Return `a > b > c` as both of its comparisons."""
    operands = [_expression(each, text, names) for each in (node.left, *node.comparators)]
    parts = []
    for operator, (left, right) in zip(node.ops, pairwise(operands), strict=True):
        if type(operator) not in _COMPARISONS:
            raise Refused(f"one of {' '.join(_COMPARISONS.values())}", f"another operator in {text!r}")
        parts.append(Compare(left, _COMPARISONS[type(operator)], right))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _expression(node: ast.expr, text: str, names: Collection[str]) -> Expression:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return _number(number, text)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return _number(-number, text)
        case ast.Name(id=name):
            return Value(_known(name, names))
        case ast.Subscript(value=ast.Name(id=name), slice=index):
            return Value(_known(name, names), _bars_ago(name, index))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATIONS:
            operation = _OPERATIONS[type(operator)]
            return Arithmetic(_expression(left, text, names), operation, _expression(right, text, names))
        case ast.BinOp():
            raise Refused("one of + - * / between values", f"another operator in {text!r}")
        case ast.Compare():
            raise Refused("a value", f"a comparison in brackets in {text!r}")
    raise Refused("a number, a bar value or a column", f"{ast.unparse(node)!r} in {text!r}")


def _number(value: float, text: str) -> Number:
    if not abs(value) < LARGEST:
        raise Refused(f"a number below {LARGEST:g}", f"a larger one in {text!r}")
    return Number(float(value) + 0.0)


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        raise Refused("a bar value or a registered column", f"{name!r}{near(name, names)}")
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
