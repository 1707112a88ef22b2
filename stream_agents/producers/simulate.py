"""A market that never was, as a stream: the sessions after those that the lake has."""

from __future__ import annotations

import asyncio
from typing import Any

from faust.cli import option

from lake.feed.simulated import simulated_sessions
from lake.market.symbols import parse_symbols
from lake.sources.faults import Rates, with_faults
from lake.sources.simulated import DEFAULT_SEED
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.universe import read_universe
from stream_agents.app import app, settings
from stream_agents.producers.running import says_what_is_wrong, send_in_time
from stream_agents.producers.sender import Sender

SPEED = 60.0


@app.command(
    option("--symbols", type=str, default="", help="Symbols of the lake, as A,B; all of them otherwise."),
    option("--sessions", type=int, default=1, help="How many sessions."),
    option("--speed", type=float, default=SPEED, help="60: a minute in a second; 0: as fast as they land."),
    option("--seed", type=int, default=DEFAULT_SEED, help="The same seed brings the same sessions."),
    option("--faults", type=float, default=0.0, help="Share of candles that each of five faults befalls."),
)
@says_what_is_wrong
async def simulate(self: Any, symbols: str, sessions: int, speed: float, seed: int, faults: float) -> None:
    """Play simulated sessions into topic candles.raw; they go on where the lake ends."""
    rates = Rates(faults, faults, faults, faults, faults)
    lake = await asyncio.to_thread(Lake.open, settings)
    names = parse_symbols(symbols) or read_universe(settings.conf_folder).names_between()
    con = await asyncio.to_thread(connect, lake)
    count = 0
    async with Sender() as sender:
        for feed in simulated_sessions(con, names, sessions, seed, now_utc()):
            found = with_faults(feed, rates, seed)[0] if faults else feed
            count += await send_in_time(sender, [found], speed)
    self.say(f"sent {count:,} candles of {sessions} sessions")
