"""What a condition means: frozen trees that parsing builds and evaluation walks.

Their text form is canonical, so two spellings of one meaning are equal and have one version.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Comparison = Literal[">", ">=", "<", "<=", "==", "!="]
Operation = Literal["+", "-", "*", "/"]
Direction = Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: float

    def __str__(self) -> str:
        return repr(self.value).removesuffix(".0")


@dataclass(frozen=True, slots=True)
class Value:
    """A bar value or a column, `bars_ago` bars before the one that is judged."""

    name: str
    bars_ago: int = 0

    def __str__(self) -> str:
        return f"{self.name}[-{self.bars_ago}]" if self.bars_ago else self.name


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two expressions joined by + - * or /."""

    left: Expression
    operation: Operation
    right: Expression

    def __str__(self) -> str:
        return f"({self.left} {self.operation} {self.right})"


@dataclass(frozen=True, slots=True)
class Count:
    """On how many of the last `bars` bars a condition held, as of `bars_ago` bars before."""

    part: Condition
    bars: int
    bars_ago: int = 0

    def __str__(self) -> str:
        return f"count({self.part}, {self.bars})" + (f"[-{self.bars_ago}]" if self.bars_ago else "")


Expression = Number | Value | Arithmetic | Count


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison; values within 1e-9 of their scale are equal."""

    left: Expression
    comparison: Comparison
    right: Expression

    def __str__(self) -> str:
        return f"{self.left} {self.comparison} {self.right}"


@dataclass(frozen=True, slots=True)
class Cross:
    """`left` is beyond `right` now and was not on the bar before."""

    left: Expression
    direction: Direction
    right: Expression

    def __str__(self) -> str:
        return f"{self.left} crosses_{self.direction} {self.right}"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"all({', '.join(map(str, self.parts))})"


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return f"any({', '.join(map(str, self.parts))})"


@dataclass(frozen=True, slots=True)
class Not:
    """The part is known and does not hold."""

    part: Condition

    def __str__(self) -> str:
        return f"not({self.part})"


@dataclass(frozen=True, slots=True)
class Unless:
    """The part is not known to hold."""

    part: Condition

    def __str__(self) -> str:
        return f"unless({self.part})"


@dataclass(frozen=True, slots=True)
class Throughout:
    """`for N bars`: the part holds on this bar and the N - 1 before."""

    part: Condition
    bars: int

    def __str__(self) -> str:
        return f"{self.part} for {self.bars} bars"


@dataclass(frozen=True, slots=True)
class Recently:
    """`within N bars`: the part holds on this bar or one of the N - 1 before."""

    part: Condition
    bars: int

    def __str__(self) -> str:
        return f"{self.part} within {self.bars} bars"


@dataclass(frozen=True, slots=True)
class On:
    """`on 1d`: the part holds on the last complete bar of another timeframe that closed before this one."""

    timeframe: str
    part: Condition

    def __str__(self) -> str:
        return f"{self.part} on {self.timeframe}"


Condition = Compare | Cross | All | Any | Not | Unless | Throughout | Recently | On


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions directly inside one that are about the same bars."""
    match condition:
        case All(parts) | Any(parts):
            return parts
        case Not(part) | Unless(part) | Throughout(part, _) | Recently(part, _):
            return (part,)
        case _:
            return ()


def values_of(node: Condition | Expression) -> Iterator[Value]:
    """Yield what a condition or expression reads of its own timeframe's bars and columns, in its order."""
    match node:
        case Number():
            return
        case Value():
            yield node
        case Arithmetic(left, _, right) | Compare(left, _, right) | Cross(left, _, right):
            yield from values_of(left)
            yield from values_of(right)
        case Count(part):
            yield from values_of(part)
        case _:
            for part in parts_of(node):
                yield from values_of(part)


def asked_of(node: Condition | Expression) -> Iterator[On]:
    """Yield what a condition or expression asks of other timeframes, in its order."""
    match node:
        case On():
            yield node
        case Number() | Value():
            return
        case Arithmetic(left, _, right) | Compare(left, _, right) | Cross(left, _, right):
            yield from asked_of(left)
            yield from asked_of(right)
        case Count(part):
            yield from asked_of(part)
        case _:
            for part in parts_of(node):
                yield from asked_of(part)


def operands_of(node: Condition | Expression) -> Iterator[Value | Count]:
    """Yield what a comparison or expression is made of besides numbers, in its order."""
    match node:
        case Value() | Count():
            yield node
        case Arithmetic(left, _, right) | Compare(left, _, right) | Cross(left, _, right):
            yield from operands_of(left)
            yield from operands_of(right)


def reach_of(node: Condition | Expression) -> int:
    """Return how many bars before the judged one a condition or expression looks back to."""
    match node:
        case Value(_, bars_ago):
            return bars_ago
        case Arithmetic(left, _, right) | Compare(left, _, right):
            return max(reach_of(left), reach_of(right))
        case Cross(left, _, right):
            return 1 + max(reach_of(left), reach_of(right))
        case Count(part, bars, bars_ago):
            return reach_of(part) + bars - 1 + bars_ago
        case Throughout(part, bars) | Recently(part, bars):
            return reach_of(part) + bars - 1
        case Number():
            return 0
        case _:
            return max(map(reach_of, parts_of(node)), default=0)
