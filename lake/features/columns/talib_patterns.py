"""All candle patterns of TA-Lib: 100 bullish, -100 bearish, 0 none; some know 80 and 200.

They see open, high, low and close as given. 200 does not fit int8, so they are stored as int16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lake.features.indicator import Column, Indicator, settle_window
from lake.features.ta import ta
from lake.market.bars import Floats

LONGEST_LOOK_BACK = 20
"""No pattern looks back further: 14 bars, and the modified Hikkake waits 3 more for its confirmation."""

PATTERNS = {
    "2CROWS": "Two Crows",
    "3BLACKCROWS": "Three Black Crows",
    "3INSIDE": "Three Inside Up/Down",
    "3LINESTRIKE": "Three-Line Strike",
    "3OUTSIDE": "Three Outside Up/Down",
    "3STARSINSOUTH": "Three Stars In The South",
    "3WHITESOLDIERS": "Three Advancing White Soldiers",
    "ABANDONEDBABY": "Abandoned Baby",
    "ADVANCEBLOCK": "Advance Block",
    "BELTHOLD": "Belt-hold",
    "BREAKAWAY": "Breakaway",
    "CLOSINGMARUBOZU": "Closing Marubozu",
    "CONCEALBABYSWALL": "Concealing Baby Swallow",
    "COUNTERATTACK": "Counterattack",
    "DARKCLOUDCOVER": "Dark Cloud Cover",
    "DOJI": "Doji",
    "DOJISTAR": "Doji Star",
    "DRAGONFLYDOJI": "Dragonfly Doji",
    "ENGULFING": "Engulfing",
    "EVENINGDOJISTAR": "Evening Doji Star",
    "EVENINGSTAR": "Evening Star",
    "GAPSIDESIDEWHITE": "Up/Down-gap side-by-side white lines",
    "GRAVESTONEDOJI": "Gravestone Doji",
    "HAMMER": "Hammer",
    "HANGINGMAN": "Hanging Man",
    "HARAMI": "Harami",
    "HARAMICROSS": "Harami Cross",
    "HIGHWAVE": "High-Wave Candle",
    "HIKKAKE": "Hikkake",
    "HIKKAKEMOD": "Modified Hikkake",
    "HOMINGPIGEON": "Homing Pigeon",
    "IDENTICAL3CROWS": "Identical Three Crows",
    "INNECK": "In-Neck",
    "INVERTEDHAMMER": "Inverted Hammer",
    "KICKING": "Kicking",
    "KICKINGBYLENGTH": "Kicking - bull/bear determined by the longer marubozu",
    "LADDERBOTTOM": "Ladder Bottom",
    "LONGLEGGEDDOJI": "Long Legged Doji",
    "LONGLINE": "Long Line Candle",
    "MARUBOZU": "Marubozu",
    "MATCHINGLOW": "Matching Low",
    "MATHOLD": "Mat Hold",
    "MORNINGDOJISTAR": "Morning Doji Star",
    "MORNINGSTAR": "Morning Star",
    "ONNECK": "On-Neck",
    "PIERCING": "Piercing",
    "RICKSHAWMAN": "Rickshaw Man",
    "RISEFALL3METHODS": "Rising/Falling Three Methods",
    "SEPARATINGLINES": "Separating Lines",
    "SHOOTINGSTAR": "Shooting Star",
    "SHORTLINE": "Short Line Candle",
    "SPINNINGTOP": "Spinning Top",
    "STALLEDPATTERN": "Stalled",
    "STICKSANDWICH": "Stick Sandwich",
    "TAKURI": "Takuri (Dragonfly Doji with very long lower shadow)",
    "TASUKIGAP": "Tasuki Gap",
    "THRUSTING": "Thrusting",
    "TRISTAR": "Tristar",
    "UNIQUE3RIVER": "Unique 3 River",
    "UPSIDEGAP2CROWS": "Upside Gap Two Crows",
    "XSIDEGAP3METHODS": "Upside/Downside Gap Three Methods",
}
"""TA-Lib's functions without CDL, and their names."""

PENETRATION = {
    "ABANDONEDBABY": 0.3,
    "DARKCLOUDCOVER": 0.5,
    "EVENINGDOJISTAR": 0.3,
    "EVENINGSTAR": 0.3,
    "MATHOLD": 0.5,
    "MORNINGDOJISTAR": 0.3,
    "MORNINGSTAR": 0.3,
}
"""How far a close must reach into an earlier body."""


def pattern(
    open_: Floats, high: Floats, low: Floats, close: Floats, *, of: str, **parameters: float
) -> NDArray[np.int32]:
    """Return where the pattern `of` is complete, and its strength."""
    found: NDArray[np.int32] = ta(f"CDL{of}", open_, high, low, close, **parameters)
    return found


def patterns(
    open_: Floats, high: Floats, low: Floats, close: Floats, *, of: Sequence[str], reach: Sequence[float]
) -> tuple[Column, ...]:
    """Return where each pattern of `of` is complete, and its strength, `reach` being its penetration."""
    from lake.features.candles import candles

    return tuple(candles([f"CDL{name}" for name in of], reach, (open_, high, low, close)))


def together(indicators: Sequence[Indicator]) -> Indicator:
    """Return the indicator that fills the columns of several patterns in one call."""
    of = tuple(each.function.keywords["of"] for each in indicators if isinstance(each.function, partial))
    reach = tuple(each.parameters.get("penetration", np.nan) for each in indicators)
    columns = tuple(each.columns[0] for each in indicators)
    return replace(
        indicators[0], columns=columns, function=partial(patterns, of=of, reach=reach), parameters={}
    )


INDICATORS = tuple(
    Indicator(
        columns=(f"cdl_{name.lower()}",),
        function=partial(pattern, of=name),
        inputs=("open", "high", "low", "close"),
        parameters={"penetration": PENETRATION[name]} if name in PENETRATION else {},
        scale="flag",
        settle_bars=settle_window(LONGEST_LOOK_BACK),
        description=f"{title}: 100 bullish, -100 bearish, 0 none",
        source=f"TA-Lib CDL{name}",
        type="int16",
        compares_exactly=True,
        together=together,
    )
    for name, title in PATTERNS.items()
)
