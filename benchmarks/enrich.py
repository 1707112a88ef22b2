"""Print the speed of `lake enrich` as a ratio to TA-Lib on arrays that are ready, and how it grows.

Bare is one thread that calls each TA-Lib function that the stored columns rest on once, all candle
patterns among them, and keeps nothing. The other side is the whole step: read the bars of a lake, compute
every stored column (more than TA-Lib has), write them and commit. Each run is a process of its own on a
fresh lake, and both sides take turns; the ratio is that of medians, above 1 means faster than bare.

Then ten times the symbols, once: the time as a multiple, and the memory at its peak. A run without news,
and one after a new day, on the same lake.

    .venv/bin/python -m benchmarks.enrich [--symbols 100] [--bars 5000] [--rounds 3] [--no-growth]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from lake.config import load_settings
from lake.market.bars import VALUES, Bars
from lake.store.lake import Lake
from lake.store.tables import TABLES

TARGET, AIM, GROWTH = 0.7, 0.9, 11
KNOWN_AT = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for option, default in (("symbols", 100), ("bars", 5_000), ("rounds", 3)):
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--no-growth", action="store_true", help="leave ten times the symbols out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small"
        fill(small, asked.symbols, asked.bars)
        runs = [measured(small, asked) for _ in range(asked.rounds)]
        bare, whole = (median(run[side]["seconds"] for run in runs) for side in ("bare", "enrich"))
        memory = max(run["enrich"]["memory"] for run in runs)
        print(f"{asked.symbols} symbols x {asked.bars} bars, {os.cpu_count()} cores")
        print(f"TA-Lib, bare: {1e9 * bare / asked.symbols / asked.bars:,.0f} ns a bar")
        print(f"lake enrich: {bare / whole:.2f} of bare TA-Lib (target {TARGET}, aim {AIM}), {memory:,} MB")
        print(f"without news: {whole / runs[-1]['again']['seconds']:.0f} times faster than the first run")
        print(f"one more day: {whole / runs[-1]['day']['seconds']:.0f} times faster than the first run")
        if asked.no_growth:
            return
        large = Path(folder) / "large"
        fill(large, 10 * asked.symbols, asked.bars)
        grown = run("enrich", large)
        print(
            f"{10 * asked.symbols} symbols: {grown['seconds'] / whole:.1f} times the time "
            f"(at most {GROWTH}), "
            f"{grown['memory'] / memory:.2f} of the memory, {grown['memory']:,} MB"
        )


def measured(root: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Return what each side took, on a copy of the lake."""
    lake = root.with_name("copy")
    shutil.copytree(root, lake)
    found = {"bare": run("bare", lake, asked.symbols, asked.bars), "enrich": run("enrich", lake)}
    found["again"] = run("enrich", lake)
    fill(lake, asked.symbols, 1, asked.bars)
    found["day"] = run("enrich", lake)
    shutil.rmtree(lake)
    return found


def run(side: str, root: Path, *numbers: int) -> dict[str, Any]:
    """Run one side in a process of its own and return its seconds and its peak of memory in MB."""
    command = [sys.executable, "-m", "benchmarks.enrich_side", side, str(root), *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def fill(root: Path, symbols: int, bars: int, first: int = 0) -> None:
    """Append random walks as daily bars, from the day `first` on."""
    lake = Lake.open(load_settings(lake_root=str(root)))
    names = [f"S{number:05}" for number in range(symbols)]
    if not first:
        dated = {**dict.fromkeys(TABLES["symbols"].schema.names), "exchange": "XNYS", "known_at": KNOWN_AT}
        rows = pa.Table.from_pylist([{**dated, "symbol": name} for name in names], TABLES["symbols"].schema)
        write_deltalake(lake.uri("symbols"), rows, mode="append")
    from benchmarks.features import walk

    for start in range(0, symbols, 100):
        chunk = range(start, min(start + 100, symbols))
        rows = pa.concat_tables([_rows(names[number], walk(number, bars), first) for number in chunk])
        write_deltalake(lake.uri("bars"), rows, mode="append", partition_by=["year"])


def _rows(symbol: str, bars: Bars, first: int) -> pa.Table:
    count, utc = len(bars), pa.timestamp("us", "UTC")
    session = np.arange(np.datetime64("1990-01-01") + first, np.datetime64("1990-01-01") + first + count)
    ts = pa.array(session.astype("datetime64[us]")).cast(utc)
    known: dict[str, Any] = {
        "symbol": symbol, "timeframe": "1d", "quality": "ok", "price_basis": "raw", "source": "files",
        "is_complete": True, "known_at": KNOWN_AT,
    }  # fmt: skip
    columns = {
        **{name: pa.array(getattr(bars, name)) for name in VALUES},
        "ts": ts,
        "closes_at": ts,
        "session": pa.array(session),
        "year": pa.array(session.astype("datetime64[Y]").astype(int) + 1970, pa.int32()),
    }
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.repeat(pa.scalar(known.get(field.name), field.type), count)
        for field in TABLES["bars"].schema
    ]
    return pa.Table.from_arrays(arrays, schema=TABLES["bars"].schema)


def timed(work: Callable[[], object]) -> None:
    """Print the seconds that `work` takes, and the peak of this process's memory in MB, as JSON."""
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
        1 << (20 if sys.platform == "darwin" else 10)
    )
    print(json.dumps({"seconds": seconds, "memory": peak}))


if __name__ == "__main__":
    main()
