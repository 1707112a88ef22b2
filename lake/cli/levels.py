"""The command `lake levels`: find support and resistance, and show what is near."""

from __future__ import annotations

from typing import Annotated

import typer

from lake.cli.options import Symbols, names_of, symbols_of
from lake.cli.output import print_counts, print_rows
from lake.config import load_settings
from lake.market.timeframes import parse_timeframe

_NEAREST = """
WITH last_bars AS (
    SELECT symbol, timeframe, max(ts) AS last_ts, max_by(close, ts) AS last_close
    FROM bars WHERE is_complete GROUP BY ALL
)
SELECT l.symbol, l.timeframe, b.last_ts, b.last_close, l.kind, l.price,
       100 * (l.price / b.last_close - 1) AS distance_pct, l.method, l.name, l.touches, l.strength,
       l.confirmed_at
FROM levels AS l
JOIN last_bars AS b USING (symbol, timeframe)
WHERE l.outcome = 'active' AND {chosen}
QUALIFY row_number() OVER (
    PARTITION BY l.symbol, l.timeframe, l.kind ORDER BY abs(l.price - b.last_close), l.level_id
) <= {nearest}
ORDER BY l.symbol, l.timeframe, l.price DESC, l.level_id
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(levels)


def levels(
    symbols: Symbols = None,
    timeframe: Annotated[
        str | None, typer.Option(help="1d, 1wk, 15m …, as A,B,C; all that have bars if left out.")
    ] = None,
    nearest: Annotated[int, typer.Option(min=0, help="Active levels of each kind to show.")] = 5,
) -> None:
    """Find support and resistance levels and show the active ones nearest to the last close."""
    from lake.cli.ask import answer, by_their_names
    from lake.steps.levels import find_levels

    names, frames = symbols_of(symbols), names_of(timeframe)
    print_counts("levels", find_levels(load_settings(), names, frames))
    chosen = [
        _among("l.symbol", by_their_names(names)),
        _among("l.timeframe", tuple(map(parse_timeframe, frames or ()))),
    ]
    print_rows(answer(_NEAREST.format(chosen=" AND ".join(chosen), nearest=nearest)), "table")


def _among(column: str, names: tuple[str, ...]) -> str:
    # Both are checked by their grammars, which know no quotes.
    return f"{column} IN ({', '.join(repr(name) for name in names)})" if names else "true"
