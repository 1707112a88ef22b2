"""Recorded candles as a stream: of files, whose symbols become known, or of the lake."""

from __future__ import annotations

import asyncio
from typing import Any

from faust.cli import option

from lake.errors import BadInput
from lake.feed.recorded import Recording, from_files, from_lake
from lake.market.symbols import parse_symbols
from lake.steps.listings import enter_symbols
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from stream_agents.app import app, settings
from stream_agents.producers.running import AT_ONCE, says_what_is_wrong, send_in_time
from stream_agents.producers.sender import Sender


@app.command(
    option("--path", type=str, default=None, help="A Parquet or CSV file, or a folder of them."),
    option("--from-lake", is_flag=True, help="The candles of the lake instead."),
    option("--timeframe", type=str, default=None, help="1m, 5m, 15m or 30m; files may say it themselves."),
    option("--exchange", type=str, default=None, help="Where the files' symbols are listed (XNYS)."),
    option("--symbols", type=str, default="", help="Some of the lake's symbols, as A,B."),
    option("--speed", type=float, default=0.0, help="60: a minute in a second; 0: as fast as they land."),
)
@says_what_is_wrong
async def replay(
    self: Any,
    path: str | None,
    from_lake: bool,
    timeframe: str | None,
    exchange: str | None,
    symbols: str,
    speed: float,
) -> None:
    """Play recorded candles into topic candles.raw, all files together in order of time."""
    recording = await asyncio.to_thread(_recording, path, from_lake, timeframe, exchange, symbols)
    async with Sender() as sender:
        for row in recording.unreadable:
            await sender.send_raw(row.encode())
        count = await send_in_time(sender, recording.feed(AT_ONCE), speed)
    self.say(f"sent {count:,} candles of {len(recording.symbols)} symbols")


def _recording(
    path: str | None, is_landed: bool, timeframe: str | None, exchange: str | None, symbols: str
) -> Recording:
    if (path is None) == (not is_landed):
        raise BadInput("expected either --path or --from-lake, found both or none")
    lake = Lake.open(settings)
    if path is None:
        if timeframe is None:
            raise BadInput("expected --timeframe with --from-lake, found none; add one such as 5m")
        return from_lake(connect(lake), timeframe, parse_symbols(symbols))
    recording = from_files(path, timeframe)
    enter_symbols(lake, recording.symbols, exchange, now_utc())
    return recording
