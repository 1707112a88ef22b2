"""A market that never was: one-minute candles of whole sessions, the same ones for the same seed.

Prices follow a geometric Brownian motion of four steps a minute that shares a market factor, with
more movement and volume near the open and the close, jumps, gaps between sessions and halts. What
happens to a symbol in a session depends on seed, symbol and session only, so neither the order of
generation nor the other symbols change it. Nothing here reads a clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lake.errors import BadInput
from lake.market.bars import VALUES, Bars, Floats
from lake.market.candles import Candle
from lake.market.sessions import Calendar
from lake.universe import SIMULATED

STEPS = 4
"""Steps of the price path within a minute."""

_MINUTE = np.timedelta64(60_000_000, "us")


@dataclass(frozen=True, slots=True)
class Market:
    """How lively the simulated market is; volatilities are of the log price over one whole session.

    `jumps` and `halts` are expected numbers per symbol and session.
    """

    market_volatility: float = 0.008
    own_volatility: float = 0.010
    gap_volatility: float = 0.004
    drift: float = 0.0003
    jumps: float = 0.05
    jump_volatility: float = 0.015
    halts: float = 0.01


@dataclass(frozen=True, slots=True)
class Profile:
    """What a symbol is like: its first price, its share of the market's moves, and shares a session."""

    price: float
    beta: float
    volatility: float
    volume: float


@dataclass(frozen=True, slots=True)
class SessionCandles:
    """Closed one-minute candles of many symbols, by `ts` and then by symbol; `symbol` is one a row."""

    symbol: NDArray[np.str_]
    ts: NDArray[np.datetime64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.ts)

    def feed(self) -> list[tuple[str, Candle]]:
        """Return (symbol, closed candle) pairs in the order of delivery."""
        prices = (getattr(self, name).tolist() for name in VALUES)
        rows = zip(self.symbol.tolist(), self.ts.view(np.int64).tolist(), *prices, strict=True)
        return [(symbol, Candle._make(("1m", *values, True, False, SIMULATED))) for symbol, *values in rows]


def profile(symbol: str, seed: int) -> Profile:
    """Return what a symbol is like under a seed."""
    random = _random(seed, "profile", symbol)
    return Profile(
        price=float(np.round(np.exp(random.uniform(np.log(15), np.log(400))), 2)),
        beta=float(random.uniform(0.5, 1.5)),
        volatility=float(random.uniform(0.7, 1.8)),
        volume=float(np.exp(random.uniform(np.log(5e5), np.log(2e7)))),
    )


def session_minutes(
    symbol: str,
    session: np.datetime64,
    calendar: Calendar,
    last_close: float,
    seed: int,
    market: Market = Market(),
) -> Bars:
    """Return one symbol's minutes of one session, which goes on from `last_close`.

    Raises:
        BadInput: the exchange holds no session then, or `last_close` is not a price.
    """
    if not 0 < last_close < np.inf:
        raise BadInput(f"expected a positive last close of {symbol}, found {last_close}")
    opens, closes = _hours(calendar, session)
    count = int((closes - opens) / _MINUTE)
    own = profile(symbol, seed)
    random = _random(seed, "session", symbol, str(session))
    shape = _u_shape(count)
    moves = _moves(own, _market_moves(seed, str(session), count, market), shape, random, market)
    prices = last_close * np.exp(np.cumsum(moves)).reshape(count, STEPS)
    prices = _to_ticks(prices, last_close)
    ts = opens + np.arange(count) * _MINUTE
    bars = Bars(
        symbol=symbol,
        timeframe="1m",
        ts=ts,
        closes_at=ts + _MINUTE,
        session=np.full(count, session, dtype="datetime64[D]"),
        open=prices[:, 0],
        high=prices.max(axis=1),
        low=prices.min(axis=1),
        close=prices[:, -1],
        volume=_volumes(own, moves.reshape(count, STEPS), shape, random),
        is_complete=np.ones(count, dtype=bool),
        is_suspect=np.zeros(count, dtype=bool),
    )
    return bars[~halted(symbol, session, count, seed, market)]


def halted(
    symbol: str,
    session: np.datetime64,
    count: int,
    seed: int,
    market: Market = Market(),
) -> NDArray[np.bool_]:
    """Return for each minute of a session whether trading in a symbol is halted; never in the first ten."""
    random = _random(seed, "halts", symbol, str(session))
    mask = np.zeros(count, dtype=bool)
    for _ in range(random.poisson(market.halts)):
        start = int(random.integers(10, count - 10))
        mask[start : start + int(random.integers(5, 31))] = True
    return mask


def session_candles(
    symbols: Sequence[str],
    session: np.datetime64,
    last_closes: Mapping[str, float],
    seed: int,
    calendars: Mapping[str, Calendar],
    market: Market = Market(),
) -> SessionCandles:
    """Return one session of all symbols' minutes; a symbol without a last close starts at its own price.

    `calendars` has the calendar of each symbol's exchange, by symbol.

    Raises:
        BadInput: an exchange holds no session then, or a last close is not a price.
    """
    made = []
    for symbol in sorted(set(symbols)):
        last_close = last_closes.get(symbol, profile(symbol, seed).price)
        made.append(session_minutes(symbol, session, calendars[symbol], last_close, seed, market))
    names = np.repeat([bars.symbol for bars in made], [len(bars) for bars in made])
    ts = np.concatenate([bars.ts for bars in made])
    order = np.lexsort((names, ts))
    values = {name: np.concatenate([getattr(bars, name) for bars in made])[order] for name in VALUES}
    return SessionCandles(symbol=names[order], ts=ts[order], **values)


def next_session(latest: Mapping[str, np.datetime64], calendars: Mapping[str, Calendar]) -> np.datetime64:
    """Return the first session that all symbols share after the latest bar that any of them has.

    `latest` has the session of each symbol's last bar, `calendars` the calendar of its exchange.

    Raises:
        BadInput: there is no symbol, or the exchanges share no later session.
    """
    if not latest:
        raise BadInput("expected symbols with bars to go on from, found none: run `lake ingest` first")
    after = max(latest.values())
    shared = None
    for days in {calendars[symbol].exchange: calendars[symbol] for symbol in latest}.values():
        later = days.sessions[np.searchsorted(days.sessions, after, side="right") :]
        shared = later if shared is None else np.intersect1d(shared, later)
    if shared is None or not len(shared):
        raise BadInput(f"expected a session after {after} that all exchanges share, found none")
    found: np.datetime64 = shared[0]
    return found


def history(
    symbol: str, start: np.datetime64, end: np.datetime64, calendar: Calendar, seed: int, first: np.datetime64
) -> list[Bars]:
    """Return the minutes of each session from `start` to `end`, of a price path that begins at `first`.

    Each session goes on from the one before, so all of them since `first` are generated.
    """
    days = calendar.sessions[np.searchsorted(calendar.sessions, first) :]
    price, made = profile(symbol, seed).price, []
    for session in days[days <= end]:
        bars = session_minutes(symbol, session, calendar, price, seed)
        price = float(bars.close[-1])
        if session >= start:
            made.append(bars)
    return made


def _hours(calendar: Calendar, session: np.datetime64) -> tuple[np.datetime64, np.datetime64]:
    number = int(calendar.ordinals(np.array([session], dtype="datetime64[D]"))[0])
    if number < 0:
        raise BadInput(f"expected a session of {calendar.exchange}, found {session}: it was closed that day")
    return calendar.opens_at[number], calendar.closes_at[number]


def _random(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of one thing; sha256, as Python's own hash differs between processes."""
    text = "\x1f".join(names).encode()
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(text).digest()[:16])])


@lru_cache(maxsize=64)
def _u_shape(count: int) -> Floats:
    """Return each minute's share of a session: most at the open, least at midday, more at the close."""
    day = np.linspace(-1, 1, count)
    weight = 0.5 + 1.6 * day**4 + 0.6 * np.exp(-(day + 1) * 8)
    share: Floats = weight / weight.sum()
    share.setflags(write=False)
    return share


@lru_cache(maxsize=4096)
def _market_moves(seed: int, session: str, count: int, market: Market) -> Floats:
    """Return the steps that all symbols share, the first of them with the market's overnight gap."""
    random = _random(seed, "market", session)
    scale = np.repeat(np.sqrt(_u_shape(count) / STEPS), STEPS) * market.market_volatility
    moves: Floats = random.standard_normal(count * STEPS) * scale
    moves[0] += random.standard_normal() * market.gap_volatility
    moves.setflags(write=False)
    return moves


def _moves(
    own: Profile, shared: Floats, shape: Floats, random: np.random.Generator, market: Market
) -> Floats:
    """Return the log price's steps of one symbol's session, gap and jumps included."""
    count = len(shared)
    scale = np.repeat(np.sqrt(shape / STEPS), STEPS) * own.volatility * market.own_volatility
    moves: Floats = own.beta * shared + random.standard_normal(count) * scale + market.drift / count
    moves[0] += random.standard_normal() * market.gap_volatility * own.volatility
    for _ in range(random.poisson(market.jumps)):
        size = np.clip(random.standard_normal(), -3, 3) * market.jump_volatility
        moves[random.integers(1, count)] += size
    return moves


def _volumes(own: Profile, moves: Floats, shape: Floats, random: np.random.Generator) -> Floats:
    """Return whole shares: the symbol's usual volume by time of day, more where the price moves."""
    size = np.abs(moves[:, 1:].sum(axis=1))
    liveliness = 0.7 + 0.3 * size / max(size.mean(), 1e-12)
    noise = np.exp(random.normal(0, 0.4, len(shape)))
    shares: Floats = np.maximum(np.round(own.volume * shape * liveliness * noise), 1.0)
    return shares


def _to_ticks(prices: Floats, last_close: float) -> Floats:
    """Return prices on the grid of their exchange: cents, or below a dollar four significant digits."""
    decimals = 2 if last_close >= 1 else min(3 - int(np.floor(np.log10(last_close))), 8)
    return np.maximum(np.round(prices, decimals), 10.0**-decimals)
