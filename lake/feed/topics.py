"""The topics, by what is in them."""

from __future__ import annotations

CANDLES_RAW = "candles.raw"
"""Whatever arrives, of any key, one candle a message or many."""

CANDLES = "candles"
"""Valid candles, closed and forming, and clock messages; state is built from this topic only."""

CANDLES_DEAD = "candles.dead"
"""What could not be used: the original bytes with where they came from and why."""

BARS = "bars"
"""Closed bars of every timeframe, derived ones too; output only."""

ALERTS = "alerts"
"""One alert a message, its symbol the key."""

TOPICS = (CANDLES_RAW, CANDLES, CANDLES_DEAD, BARS, ALERTS)
