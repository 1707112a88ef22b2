"""Faults of a feed, put into a clean sequence of candles at set rates, and a record of each.

For trying what reads a feed: nothing here is used unless someone asks for faults.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from lake.errors import BadInput
from lake.market.candles import Candle

Kind = Literal["late", "duplicate", "out_of_order", "corrected", "malformed"]
KINDS: tuple[Kind, ...] = ("late", "duplicate", "out_of_order", "corrected", "malformed")

LATE_BY = (20, 200)
"""A late candle comes this many candles later: at least the first, less than the second."""

MALFORMATIONS = ("high_below_low", "negative_price", "negative_volume", "not_a_number", "misaligned")


@dataclass(frozen=True, slots=True)
class Rates:
    """The share of candles that each fault befalls, from 0 to 1; together at most 1.

    late: comes long after its place. out_of_order: changes places with the next. duplicate: comes
    twice. corrected: comes with wrong volume and close first, and right some candles later.
    malformed: an impossible copy comes before the good one.
    """

    late: float = 0.0
    duplicate: float = 0.0
    out_of_order: float = 0.0
    corrected: float = 0.0
    malformed: float = 0.0

    def __post_init__(self) -> None:
        rates = [getattr(self, kind) for kind in KINDS]
        if any(not 0 <= rate <= 1 for rate in rates) or sum(rates) > 1:
            raise BadInput(f"expected fault rates from 0 to 1 that add up to at most 1, found {rates}")


class Fault(NamedTuple):
    """What befell the candle of a symbol that starts at `ts`."""

    kind: Kind
    symbol: str
    ts: int


Feed = list[tuple[str, Candle]]


def with_faults(feed: Sequence[tuple[str, Candle]], rates: Rates, seed: int) -> tuple[Feed, list[Fault]]:
    """Return (symbol, candle) pairs as a faulty feed delivers them, and the faults in order of their candles.

    Every good candle is still in the feed, and the last good version of each equals the one given.
    """
    random = np.random.default_rng([seed, len(feed)])
    drawn = random.choice([*KINDS, ""], size=len(feed), p=[*(getattr(rates, k) for k in KINDS), _rest(rates)])
    faults: list[Fault] = []
    placed: list[tuple[float, int, str, Candle]] = []
    for place, ((symbol, candle), name) in enumerate(zip(feed, drawn.tolist(), strict=True)):
        kind = next((known for known in KINDS if known == name), None)
        if kind is not None:
            faults.append(Fault(kind, symbol, candle.ts))
        for shift, delivered in _deliveries(kind, candle, random):
            placed.append((place + shift, len(placed), symbol, delivered))
    return [(symbol, candle) for _, _, symbol, candle in sorted(placed, key=lambda row: row[:2])], faults


def _rest(rates: Rates) -> float:
    return max(0.0, 1.0 - float(sum(getattr(rates, kind) for kind in KINDS)))


def _deliveries(kind: Kind | None, candle: Candle, random: np.random.Generator) -> list[tuple[float, Candle]]:
    """Return when, in candles after its place, a candle is delivered, and as what."""
    later = float(random.integers(*LATE_BY))
    if kind == "late":
        return [(later, candle)]
    if kind == "duplicate":
        return [(0, candle), (float(random.integers(0, 3)), candle)]
    if kind == "out_of_order":
        return [(1.5, candle)]
    if kind == "corrected":
        wrong = candle._replace(close=candle.open, volume=candle.volume + 100.0)
        return [(0, wrong), (later, candle)]
    if kind == "malformed":
        return [(0, _malformed(candle, str(random.choice(MALFORMATIONS)))), (0, candle)]
    return [(0, candle)]


def _malformed(candle: Candle, how: str) -> Candle:
    if how == "high_below_low":
        return candle._replace(high=candle.low * 0.5)
    if how == "negative_price":
        return candle._replace(open=-candle.open)
    if how == "negative_volume":
        return candle._replace(volume=-1.0 - candle.volume)
    if how == "not_a_number":
        return candle._replace(close=float("nan"))
    return candle._replace(ts=candle.ts + 17_000_000)
