"""From raw bytes to candles that may enter the lake; whatever may not comes out with a reason.

The cost is per message: columns are looked at as wholes, single candles only where something is wrong.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from math import isfinite
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import orjson

from lake.feed.messages import KEYS, LARGEST, VERSION
from lake.feed.spans import candle_texts
from lake.feed.times import micros_of
from lake.market.admission import admitted, rounded
from lake.market.bars import VALUES
from lake.market.candles import Candle
from lake.market.quality import REASONS as QUALITY
from lake.market.sessions import calendar
from lake.market.timeframes import INTRADAY_MINUTES

REASONS = {
    **QUALITY,
    "too_long": f"the message is longer than {LARGEST:,} bytes",
    "bad_utf8": "the message is not UTF-8",
    "bad_json": "the message is not JSON",
    "too_deep": "the message is nested too deeply",
    "not_an_object": "expected an object",
    "wrong_version": f"expected an envelope with v {VERSION}",
    "no_candles": "expected a list of candles, or one candle",
    "missing_key": "a key of a candle is missing",
    "wrong_type": "a value has another type than it should",
    "bad_time": "expected ts such as 2019-02-11T14:30:00Z",
    "unknown_symbol": "the lake does not know the symbol; ingest or replay it first",
    "unknown_timeframe": f"expected one of {', '.join(INTRADAY_MINUTES)}",
    "unknown_source": "expected a source of conf/universe.yaml",
}
"""Reason codes of dead letters."""

_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("symbol", "timeframe", "ts", "source"), (str,)),
    **dict.fromkeys(VALUES, (float, int)),
    "is_closed": (bool,),
}
_LONGEST_DETAIL = 200
_HUGE = 1 << 63

_row = itemgetter(*KEYS)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a message, or the candle at `index` of one, cannot be used, with its bytes."""

    index: int | None
    reason: str
    detail: str
    payload: bytes


class Checked(NamedTuple):
    """What a message brought: candles in order, what was wrong, and how many were of extended hours."""

    candles: list[tuple[str, Candle]]
    faults: list[Fault]
    extended_hours: int

    @property
    def has_unknown_symbols(self) -> bool:
        """Return whether a candle was refused for its symbol only."""
        return any(fault.reason == "unknown_symbol" for fault in self.faults)


class _Refused(Exception):
    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail or REASONS[reason]


def check(
    value: bytes | None, exchanges: Mapping[str, str], sources: Collection[str], now: datetime
) -> Checked:
    """Return what a message of topic `candles.raw` brings.

    `exchanges` has the exchange of each symbol that the lake knows, `sources` those whose bars it takes.
    """
    value = value or b""
    try:
        rows, is_strict = _candles(value)
    except _Refused as refused:
        return Checked([], [Fault(None, refused.reason, refused.detail, value)], 0)
    is_plain = is_strict and _is_plain(rows, exchanges, sources)
    wrong = {} if is_plain else _sieve(rows, exchanges, sources)
    places = [place for place in range(len(rows)) if place not in wrong] if wrong else range(len(rows))
    candles, impossible, extended = _admit(
        [rows[place] for place in places] if wrong else rows, exchanges, now
    )
    wrong |= {places[place]: (reason, REASONS[reason]) for place, reason in impossible}
    return Checked(candles, _faults(value, wrong, len(rows)) if wrong else [], extended)


def _candles(value: bytes) -> tuple[list[Any], bool]:
    """Return the candles of a message as they were written, and whether all of it was strict JSON."""
    is_strict = True
    if len(value) > LARGEST:
        raise _Refused("too_long", f"expected at most {LARGEST:,} bytes, found {len(value):,}")
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        document, is_strict = _lenient(value, str(error)), False
    if not isinstance(document, dict):
        raise _Refused("not_an_object", f"expected an object, found {_named(document)}")
    if "candles" not in document and "symbol" in document:
        return [document], is_strict
    if document.get("v") != VERSION or isinstance(document["v"], bool):
        raise _Refused("wrong_version", f"expected v {VERSION}, found {_shown(document.get('v'))}")
    found = document.get("candles")
    if not isinstance(found, list):
        raise _Refused("no_candles", f"expected a list under candles, found {_named(found)}")
    return found, is_strict


def _lenient(value: bytes, complaint: str) -> Any:
    """Return a message that is JSON but for NaN and Infinity, so that only their candles are lost."""
    try:
        return json.loads(value.decode())
    except UnicodeDecodeError as error:
        raise _Refused("bad_utf8", f"the message is not UTF-8: {error.reason} at {error.start}") from error
    except RecursionError as error:
        raise _Refused("too_deep") from error
    except ValueError as error:
        raise _Refused("bad_json", f"the message is not JSON: {complaint}"[:_LONGEST_DETAIL]) from error


def _is_plain(rows: Sequence[Any], exchanges: Mapping[str, str], sources: Collection[str]) -> bool:
    """Return whether every candle has all its keys, types, and names that are known: what is usual."""
    try:
        columns = list(zip(*map(_row, rows), strict=True))
    except (KeyError, TypeError):
        return False
    for name, column in zip(KEYS, columns, strict=False):
        if not set(map(type, column)) <= set(_TYPES[name]):
            return False
    if not columns:
        return True
    symbols, timeframes, times, *numbers, _, origins = columns
    if not (set(symbols) <= exchanges.keys() and set(timeframes) <= INTRADAY_MINUTES.keys()):
        return False
    if not set(origins) <= set(sources) or max(map(max, numbers)) >= _HUGE:
        return False
    try:
        for text in set(times):
            micros_of(text)
    except (ValueError, OverflowError):
        return False
    return True


def _sieve(
    rows: Sequence[Any], exchanges: Mapping[str, str], sources: Collection[str]
) -> dict[int, tuple[str, str]]:
    """Return what is wrong with single candles before their values are looked at, by their place."""
    wrong = {}
    for place, candle in enumerate(rows):
        try:
            _look_at(candle, exchanges, sources)
        except _Refused as refused:
            wrong[place] = (refused.reason, refused.detail[:_LONGEST_DETAIL])
    return wrong


def _look_at(candle: Any, exchanges: Mapping[str, str], sources: Collection[str]) -> None:
    if not isinstance(candle, dict):
        raise _Refused("not_an_object", f"expected a candle as an object, found {_named(candle)}")
    for name in KEYS:
        if name not in candle:
            raise _Refused("missing_key", f"expected {', '.join(KEYS)}, found no {name}")
        value = candle[name]
        if type(value) not in _TYPES[name]:
            wanted = _TYPES[name][0].__name__
            raise _Refused("wrong_type", f"expected {name} of type {wanted}, found {_named(value)}")
        if type(value) is int and abs(value) >= _HUGE:
            raise _Refused("too_large")
        if type(value) is float and not isfinite(value):
            raise _Refused("not_finite", f"expected {name} as a finite number, found {value}")
    if candle["symbol"] not in exchanges:
        raise _Refused("unknown_symbol", f"expected a symbol of this lake, found {_shown(candle['symbol'])}")
    if candle["timeframe"] not in INTRADAY_MINUTES:
        raise _Refused(
            "unknown_timeframe",
            f"expected one of {', '.join(INTRADAY_MINUTES)}, found {_shown(candle['timeframe'])}",
        )
    if candle["source"] not in sources:
        raise _Refused(
            "unknown_source", f"expected one of {', '.join(sources)}, found {_shown(candle['source'])}"
        )
    try:
        micros_of(candle["ts"])
    except (ValueError, OverflowError) as error:
        raise _Refused(
            "bad_time", f"expected ts like 2019-02-11T14:30:00Z, found {_shown(candle['ts'])}"
        ) from error


def _admit(
    rows: Sequence[Any], exchanges: Mapping[str, str], now: datetime
) -> tuple[list[tuple[str, Candle]], list[tuple[int, str]], int]:
    """Return the candles that may enter, the places of those that may not, and what lies outside hours."""
    if not rows:
        return [], [], 0
    symbols, timeframes, times, *numbers, closed, sources = zip(*map(_row, rows), strict=True)
    ts = np.array(list(map(micros_of, times)), dtype=np.int64)
    values = {name: np.array(column, dtype=float) for name, column in zip(VALUES, numbers, strict=True)}
    is_closed = np.array(closed, dtype=bool)
    reason, outside = np.full(len(rows), "", dtype=object), np.zeros(len(rows), dtype=bool)
    for (exchange, timeframe), places in _groups(symbols, timeframes, exchanges):
        found = admitted(
            ts[places].view("datetime64[us]"),
            {name: column[places] for name, column in values.items()},
            timeframe,
            calendar(exchange),
            now,
            is_closed[places],
        )
        reason[places], outside[places] = found.reason, found.timing.outside
    aside = (reason != "") & ~outside
    columns = [timeframes, ts.tolist(), *(column.tolist() for column in rounded(values).values())]
    made = map(Candle._make, zip(*columns, closed, repeat(False), sources, strict=False))
    candles = list(zip(symbols, made, strict=True))
    if aside.any() or outside.any():
        candles = [candles[place] for place in np.flatnonzero(~aside & ~outside)]
    impossible = [(int(place), str(reason[place])) for place in np.flatnonzero(aside)]
    return candles, impossible, int(outside.sum())


def _groups(
    symbols: Sequence[str], timeframes: Sequence[str], exchanges: Mapping[str, str]
) -> list[tuple[tuple[str, str], Any]]:
    """Return which rows are of one exchange and timeframe; mostly all of them are."""
    places = {exchanges[symbol] for symbol in set(symbols)}
    if len(places) == 1 and len(set(timeframes)) == 1:
        return [((places.pop(), timeframes[0]), slice(None))]
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (symbol, timeframe) in enumerate(zip(symbols, timeframes, strict=True)):
        found[exchanges[symbol], timeframe].append(place)
    return list(found.items())


def _faults(value: bytes, wrong: Mapping[int, tuple[str, str]], count: int) -> list[Fault]:
    """Return faults in order of place; the only candle of a message is the message."""
    texts = [value]
    if count > 1:
        written = candle_texts(value.decode())
        # A key that is there twice counts by its last value: then the whole message is kept.
        texts = [text.encode() for text in written] if len(written) == count else [value] * count
    return [Fault(place, *wrong[place], texts[place]) for place in sorted(wrong)]


def _named(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {_shown(value)}"


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
