"""What a batch is judged by: its own rows, and those of the lake around them.

`sources` are all there are, best first: the lake's row stays where a better one wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from lake.market.bars import Bools
from lake.sources.intake import partition_numbers
from lake.store.tables import TABLES

# The last of several versions of a key counts.
_AROUND = """
WITH last AS (
    SELECT * EXCLUDE (_discarded) FROM staged_bars WHERE NOT _discarded
    QUALIFY row_number() OVER (PARTITION BY symbol, timeframe, ts ORDER BY _arrival DESC) = 1
),
lake AS (
    SELECT {columns}, NULL::DOUBLE AS adj_close, NULL::DOUBLE AS applied_split, -1::BIGINT AS _arrival,
           t.ts BETWEEN first_near AND last_near AS _is_near
    FROM lake.{table} AS t JOIN reach USING (symbol, timeframe)
    WHERE superseded_at IS NULL AND source <> 'derived' AND t.ts BETWEEN first_seen AND last_seen
      AND {partition} BETWEEN $first_partition AND $last_partition
),
better AS (
    SELECT l.* FROM lake AS l JOIN last AS s USING (symbol, timeframe, ts)
    WHERE list_position($sources, l.source) < list_position($sources, s.source)
)
SELECT * FROM last ANTI JOIN better USING (symbol, timeframe, ts)
UNION ALL BY NAME SELECT * FROM better
UNION ALL BY NAME SELECT * FROM lake ANTI JOIN last USING (symbol, timeframe, ts)
ORDER BY symbol, timeframe, ts
"""

_ACTIONS = """
WITH last AS (
    SELECT * EXCLUDE (_discarded) FROM staged_actions WHERE NOT _discarded
    QUALIFY row_number() OVER (PARTITION BY symbol, ex_date, kind ORDER BY _arrival DESC) = 1
),
lake AS (
    SELECT {columns}, -1::BIGINT AS _arrival FROM lake.actions
    WHERE superseded_at IS NULL AND symbol IN (SELECT unnest($symbols))
),
better AS (
    SELECT l.* FROM lake AS l JOIN last AS s USING (symbol, ex_date, kind)
    WHERE list_position($sources, l.source) < list_position($sources, s.source)
),
old AS (
    SELECT symbol, ex_date, kind,
           value AS old_value, quality_reason AS old_reason, source AS old_source
    FROM lake.actions
    WHERE known_at < $known_at AND (superseded_at IS NULL OR superseded_at >= $known_at)
      AND symbol IN (SELECT unnest($symbols))
)
SELECT * FROM (
    SELECT * FROM last ANTI JOIN better USING (symbol, ex_date, kind)
    UNION ALL BY NAME SELECT * FROM better
    UNION ALL BY NAME SELECT * FROM lake ANTI JOIN last USING (symbol, ex_date, kind)
) LEFT JOIN old USING (symbol, ex_date, kind)
ORDER BY symbol, ex_date, kind
"""


def bars_around(
    con: duckdb.DuckDBPyConnection,
    table: str,
    bars: pa.Table,
    discarded: Bools,
    sources: Sequence[str],
    reach: pa.Table,
) -> pa.Table:
    """Return staged bars and the lake's within their reach, in order; `_arrival` is -1 of the lake's.

    Of these only some are `_is_near`: what they are judged by is among them too.
    """
    spec = TABLES[table]
    (partition,) = spec.partition_by
    names = [field.name for field in spec.schema if field.name not in ("known_at", "superseded_at")]
    con.register("staged_bars", _numbered(bars, discarded))
    con.register("reach", reach)
    ends = np.concatenate([reach[name].cast(pa.int64()).to_numpy() for name in ("first_seen", "last_seen")])
    numbers = partition_numbers(partition, ends.astype("datetime64[us]"))
    return con.execute(
        _AROUND.format(
            columns=", ".join(f"t.{name}" for name in names), table=table, partition=f"t.{partition}"
        ),
        {
            "sources": list(sources),
            "first_partition": int(min(numbers, default=0)),
            "last_partition": int(max(numbers, default=0)),
        },
    ).to_arrow_table()


def actions_around(
    con: duckdb.DuckDBPyConnection,
    bars: pa.Table,
    actions: pa.Table,
    discarded: Bools,
    sources: Sequence[str],
    known_at: datetime,
) -> pa.Table:
    """Return staged actions and the lake's of a batch's symbols, in order, with what was said before.

    That is before `known_at`: a merge that was killed finds, run again, the same news as at first.
    """
    con.register("staged_actions", _numbered(actions, discarded))
    symbols = sorted({*bars["symbol"].unique().to_pylist(), *actions["symbol"].unique().to_pylist()})
    columns = ", ".join(actions.column_names)
    return con.execute(
        _ACTIONS.format(columns=columns),
        {"symbols": symbols, "sources": list(sources), "known_at": known_at},
    ).to_arrow_table()


def _numbered(rows: pa.Table, discarded: Bools) -> pa.Table:
    rows = rows.append_column("_arrival", pa.array(np.arange(rows.num_rows)))
    return rows.append_column("_discarded", pa.array(discarded))
