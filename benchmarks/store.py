"""Print upsert, identical re-run and reads of 25 million bitemporal bars against plain Parquet, as ratios.

Plain Parquet keeps no history: one file a year, sorted by symbol and time, rewritten and renamed at
every upsert. Both sides run in turn in one process.

    .venv/bin/python -m benchmarks.store [--symbols 5000] [--runs 7]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake

from lake.config import load_settings
from lake.market.sessions import calendar
from lake.store.catalog import connect
from lake.store.compaction import sort_files
from lake.store.duck import open_duckdb
from lake.store.encoding import writer_of
from lake.store.lake import Lake
from lake.store.tables import TABLES

YEARS = range(2001, 2021)
LAST_DAYS = 5
KNOWN_AT = datetime(2021, 1, 1, tzinfo=UTC)
PLAIN = ("symbol", "timeframe", "ts", "open", "high", "low", "close", "volume")


def bars(symbols: int, sessions: np.ndarray, seed: int) -> pa.Table:  # type: ignore[type-arg]
    """Return a geometric random walk of every symbol over `sessions`, sorted by symbol and time."""
    chance = np.random.default_rng(seed)
    shape = (symbols, len(sessions))
    close = np.round(50 * np.exp(np.cumsum(chance.normal(0, 0.01, shape), axis=1)), 4)
    open_ = np.round(close * (1 + chance.normal(0, 0.003, shape)), 4)
    high, low = np.maximum(open_, close) * 1.005, np.minimum(open_, close) * 0.995
    count = symbols * len(sessions)
    names = pa.array([f"S{number:05d}" for number in range(symbols)])
    ts = np.tile(sessions.astype("datetime64[us]"), symbols)
    new_york = calendar("XNYS")
    closes_at = new_york.closes_at[new_york.ordinals(sessions)]
    utc = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "symbol": names.take(pa.array(np.repeat(np.arange(symbols), len(sessions)))),
            "timeframe": pa.repeat("1d", count),
            "ts": pa.array(ts).cast(utc),
            "closes_at": pa.array(np.tile(closes_at, symbols)).cast(utc),
            "session": pa.array(ts.astype("datetime64[D]")),
            "open": open_.ravel(),
            "high": np.round(high.ravel(), 4),
            "low": np.round(low.ravel(), 4),
            "close": close.ravel(),
            "volume": np.round(chance.lognormal(13, 1, count)),
            "is_complete": pa.repeat(True, count),
            "quality": pa.repeat("ok", count),
            "quality_reason": pa.nulls(count, pa.string()),
            "price_basis": pa.repeat("raw", count),
            "source": pa.repeat("files", count),
            "year": pa.array(
                np.full(count, sessions[0].astype("datetime64[Y]").astype(int) + 1970, np.int32)
            ),
        }
    )


def build(lake: Lake, plain: Path, symbols: int) -> tuple[int, pa.Table]:
    """Write both tables, all but the very last session, and return the row count and the last rows."""
    days = calendar("XNYS").sessions
    rows = 0
    for year in YEARS:
        held = days[days.astype("datetime64[Y]").astype(int) + 1970 == year]
        table = bars(symbols, held, seed=year)
        late = table.filter(pa.array(np.isin(np.tile(held, symbols), held[-LAST_DAYS - 1 :])))
        if year == YEARS[-1]:
            table = table.filter(pa.array(np.tile(held, symbols) != held[-1]))
        pq.write_table(
            table.select(PLAIN), plain / f"{year}.parquet", compression="zstd", row_group_size=32_768
        )
        count = table.num_rows
        known = pa.repeat(pa.scalar(KNOWN_AT, pa.timestamp("us", "UTC")), count)
        version = {"known_at": known, "superseded_at": pa.nulls(count, pa.timestamp("us", "UTC"))}
        for name, column in version.items():
            table = table.append_column(name, column)
        write_deltalake(
            lake.uri("bars"),
            table.select(lake_columns()),
            mode="append",
            writer_properties=writer_of(TABLES["bars"]),
        )
        rows += count
    sort_files(lake.table("bars"), TABLES["bars"])  # as `lake maintain` leaves it
    return rows, late


def lake_columns() -> list[str]:
    """Return the columns of table bars in order."""
    return list(TABLES["bars"].schema.names)


def restated(rows: pa.Table, number: int) -> pa.Table:
    """Return the last sessions' rows with every price changed a little."""
    for name in ("open", "high", "low", "close"):
        values = rows[name].to_numpy() * (1 + 0.001 * (number + 1))
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(values))
    return rows


def plain_upsert(plain: Path, rows: pa.Table) -> None:
    """Rewrite the last year's file with `rows` in place of those of their keys, then rename it."""
    path, temporary = plain / f"{YEARS[-1]}.parquet", plain / ".new.parquet"
    con = open_duckdb()
    con.register("fresh", rows.select(PLAIN))
    con.execute(
        f"""
        COPY (
            SELECT * FROM (
                SELECT * FROM read_parquet('{path}') AS old
                ANTI JOIN fresh ON fresh.symbol = old.symbol AND fresh.ts = old.ts
                UNION ALL SELECT * FROM fresh
            ) ORDER BY symbol, ts
        ) TO '{temporary}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 32768)
        """
    )
    temporary.replace(path)


def timed(action: Callable[[], object]) -> float:
    """Return the seconds an action took."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def report(name: str, plain: list[float], ours: list[float], target: float | None = None) -> None:
    """Print medians, and the median and range of the ratios of neighbouring runs."""
    ratios = [own / bare for own, bare in zip(ours, plain, strict=True)]
    spread = f"{median(ratios):4.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    aim = f"  target <= {target:.1f}" if target else ""
    print(f"{name:31s} plain {median(plain) * 1e3:7.1f} ms   lake {median(ours) * 1e3:7.1f} ms   "
          f"ratio {spread}{aim}", flush=True)  # fmt: skip


def upserts(lake: Lake, plain: Path, late: pa.Table, runs: int) -> None:
    """Measure changed and identical upserts of the last sessions."""
    changed: tuple[list[float], list[float]] = ([], [])
    equal: tuple[list[float], list[float]] = ([], [])
    for number in range(runs):
        rows, known_at = restated(late, number), KNOWN_AT + timedelta(days=number + 1)
        changed[0].append(timed(lambda rows=rows: plain_upsert(plain, rows)))  # type: ignore[misc]
        changed[1].append(timed(lambda rows=rows, at=known_at: lake.upsert("bars", rows, at)))  # type: ignore[misc]
        version = lake.table("bars").version()
        equal[0].append(timed(lambda rows=rows: plain_upsert(plain, rows)))  # type: ignore[misc]
        equal[1].append(timed(lambda rows=rows, at=known_at: lake.upsert("bars", rows, at)))  # type: ignore[misc]
        assert lake.table("bars").version() == version, "an identical re-run made a table version"
    report(f"upsert of {late.num_rows:,} rows", *changed, target=2.0)
    report("the same again: no new version", *equal, target=0.6)


def reads(lake: Lake, plain: Path, symbols: int, runs: int) -> None:
    """Measure one symbol's history and a scan of everything, on warm connections."""
    ours, theirs = connect(lake), open_duckdb()
    theirs.execute(f"CREATE VIEW bars AS SELECT * FROM read_parquet('{plain}/*.parquet')")
    chance = np.random.default_rng(1)
    names = [f"S{chance.integers(symbols):05d}" for _ in range(runs)]
    values = "ts, open, high, low, close, volume"
    one = f"SELECT {values} FROM bars WHERE symbol = ? AND timeframe = '1d' ORDER BY ts"
    scan = "SELECT symbol, count(*), sum(volume), max(ts) FROM bars WHERE timeframe = '1d' GROUP BY symbol"
    for label, query, target in (
        ("one symbol's history", one, 2.0),
        ("scan of everything by symbol", scan, None),
    ):
        times: tuple[list[float], list[float]] = ([], [])
        for name in names:
            parameters = [name] if "?" in query else []
            for con, found in ((theirs, times[0]), (ours, times[1])):
                found.append(timed(lambda c=con, q=query, p=parameters: c.execute(q, p).to_arrow_table()))  # type: ignore[misc]
        report(label, *times, target=target)


def main() -> None:
    """Build both tables and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lake, plain = Lake.open(load_settings(lake_root=f"{folder}/lake")), Path(folder) / "plain"
        plain.mkdir()
        print(f"building {len(YEARS)} years of bars of {arguments.symbols:,} symbols twice", flush=True)
        rows, late = build(lake, plain, arguments.symbols)
        print(f"{rows:,} bars of {arguments.symbols:,} symbols; medians of {arguments.runs} runs", flush=True)
        reads(lake, plain, arguments.symbols, arguments.runs)
        upserts(lake, plain, late, arguments.runs)
        reads(lake, plain, arguments.symbols, arguments.runs)


if __name__ == "__main__":
    main()
