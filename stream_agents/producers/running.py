"""Running a producer's command: what a user did wrong is one sentence, without a traceback."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from typing import Any

import click

from lake.errors import LakeError
from lake.feed.messages import Feed
from lake.feed.pace import Pace
from lake.market.timeframes import INTRADAY_MINUTES
from stream_agents.producers.sender import Sender

Command = Callable[..., Coroutine[Any, Any, None]]

AT_ONCE = 2_000
_MINUTE = 60_000_000


def says_what_is_wrong(command: Command) -> Command:
    """Return a command that ends with one sentence and exit code 1 for a LakeError."""

    @wraps(command)
    async def guarded(self: Any, *args: Any, **options: Any) -> None:
        try:
            await command(self, *args, **options)
        except LakeError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)

    return guarded


async def send_in_time(sender: Sender, feeds: Iterable[Feed], speed: float) -> int:
    """Send candles when they are due and return how many there were."""
    pace, count = Pace(speed, time.monotonic()), 0
    for feed in feeds:
        for part in _moments(feed) if speed else _slices(feed):
            ends = max(candle.ts + INTRADAY_MINUTES[candle.timeframe] * _MINUTE for _, candle in part)
            await asyncio.sleep(max(0.0, pace.due(ends) - time.monotonic()))
            await sender.send(part)
            count += len(part)
    return count


def _slices(feed: Feed) -> Iterable[Feed]:
    return (feed[start : start + AT_ONCE] for start in range(0, len(feed), AT_ONCE))


def _moments(feed: Feed) -> Iterable[Feed]:
    """Yield runs of candles that end at the same moment."""
    start = 0
    ends = [candle.ts + INTRADAY_MINUTES[candle.timeframe] * _MINUTE for _, candle in feed]
    for place in range(1, len(feed) + 1):
        if place == len(feed) or ends[place] != ends[start]:
            yield feed[start:place]
            start = place
