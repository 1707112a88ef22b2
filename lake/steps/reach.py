"""How far the rows of a merge reach: whose verdicts they may change, and what those rest on.

A bar is judged by the bars of some days before it, so new bars may change verdicts on bars of as many days
after them. An action is judged by bars up to as many days on either side of it.
"""

from __future__ import annotations

from datetime import date

import duckdb
import pyarrow as pa

from lake.market.timeframes import INTRADAY_MINUTES
from lake.sources.intake import bars_table
from lake.thresholds import Thresholds

_ALWAYS = (date(1000, 1, 1), date(3000, 1, 1))

_REACH = """
WITH spans AS (
    SELECT symbol, timeframe, ts AS first_ts, ts AS last_ts FROM touched
    UNION ALL
    SELECT symbol, timeframe, first_day, last_day FROM news_days CROSS JOIN windows
)
SELECT symbol, timeframe,
       min(first_ts) - to_days(action_days) AS first_near,
       max(last_ts) + to_days(bar_days) AS last_near,
       min(first_ts) - to_days(action_days + bar_days) AS first_seen,
       max(last_ts) + to_days(bar_days + action_days) AS last_seen
FROM spans JOIN windows USING (timeframe)
GROUP BY symbol, timeframe, bar_days, action_days
"""


def reach_of(
    con: duckdb.DuckDBPyConnection, table: str, limits: Thresholds, touched: pa.Table, news: pa.Table
) -> pa.Table:
    """Return for each symbol and timeframe of `table` between when verdicts may change, and what to look at.

    Args:
        touched: `symbol`, `timeframe` and `ts` of bars that come or go.
        news: `symbol` and `ex_date` of actions that are new, changed or gone. An action may hang on any
            other, so with news all daily and weekly bars are looked at; candles are judged by it, not it
            by them, and those after it are enough.
    """
    con.register("touched", touched)
    con.register("windows", _windows(table, limits))
    con.register("news_days", _news_days(table, news))
    return con.execute(_REACH).to_arrow_table()


def _windows(table: str, limits: Thresholds) -> pa.Table:
    names = [name for name in (*INTRADAY_MINUTES, "1d", "1wk") if bars_table(name) == table]
    days = [limits.days_seen(name) for name in names]
    around = [limits.window_days if name == "1d" else 0 for name in names]
    columns = {"timeframe": names, "bar_days": days, "action_days": around}
    return pa.table(columns, pa.schema([("timeframe", pa.string()), *_integers("bar_days", "action_days")]))


def _integers(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.int32()) for name in names]


def _news_days(table: str, news: pa.Table) -> pa.Table:
    spans: dict[str, tuple[date, date]] = {}
    for symbol, day in zip(news["symbol"].to_pylist(), news["ex_date"].to_pylist(), strict=True):
        first, last = spans.get(symbol, (day, day))
        spans[symbol] = _ALWAYS if table == "bars" else (min(first, day), max(last, day))
    rows = [{"symbol": name, "first_day": first, "last_day": last} for name, (first, last) in spans.items()]
    schema = pa.schema([("symbol", pa.string()), ("first_day", pa.date32()), ("last_day", pa.date32())])
    return pa.Table.from_pylist(rows, schema=schema)
