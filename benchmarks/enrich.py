"""Print the speed of `lake enrich` as a ratio to TA-Lib on arrays that are ready, and how it grows.

Bare is one thread that calls each TA-Lib function once and keeps nothing. The other side is the whole step:
read the bars of a lake, compute, write, commit. First both do 30 indicators (37 outputs) and 61 candle
patterns; then all stored columns, of which TA-Lib has three quarters. Each run is a process of its own on a
fresh lake, and the sides take turns; ratios are those of medians, above 1 means faster than bare. By the
clock, and by the processors' time shared out over all cores, which other work on the machine disturbs less.

Then what a run without news and a run after one more day take. And how many times the time and the peak of
memory of a tenth of the symbols the whole takes: that is compared with ten lakes of a tenth, filled one after
the other, so that both sides write as many bytes into memory that the machine has not used yet.

    .venv/bin/python -m benchmarks.enrich [--symbols 1000] [--bars 5000] [--rounds 3]
                                          [--no-growth] [--only-growth]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from benchmarks.features import walk
from lake.config import load_settings
from lake.market.bars import VALUES, Bars
from lake.store.compaction import sort_files
from lake.store.encoding import writer_of
from lake.store.lake import Lake
from lake.store.tables import TABLES

Figures = dict[str, float]

TARGET, AIM, GROWTH = 0.7, 0.9, 11
KNOWN_AT = datetime(2026, 1, 1, tzinfo=UTC)


_TOUCH = """
import mmap, psutil
size = psutil.virtual_memory().available * 4 // 5
pages = mmap.mmap(-1, size)
for place in range(0, size, mmap.PAGESIZE):
    pages[place] = 1
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for option, default in (("symbols", 1_000), ("bars", 5_000), ("rounds", 3)):
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--no-growth", action="store_true", help="leave a tenth of the symbols out")
    parser.add_argument("--only-growth", action="store_true", help="measure nothing else")
    asked = parser.parse_args()
    print(f"{asked.symbols} symbols x {asked.bars} bars, {os.cpu_count()} cores")
    touch_memory()
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder) / "lake"
        fill(lake, asked.symbols, asked.bars)
        if not asked.only_growth:
            ratios([measured(lake, asked) for _ in range(asked.rounds)])
        if not asked.no_growth:
            grown(lake, asked)


def ratios(rounds: list[dict[str, Figures]]) -> None:
    """Print the ratios of both widths, and what later runs take of the first."""
    for width, what in (("narrow", "30 indicators, 61 patterns"), ("all", "all stored columns")):
        report(what, *([each[f"{side} {width}"] for each in rounds] for side in ("bare", "enrich")))
    first = middle("busy", [each["enrich narrow"] for each in rounds])
    for name in ("without news", "one more day"):
        print(f"{name}: {middle('busy', [each[name] for each in rounds]) / first:.2f} of the first run")


def touch_memory() -> None:
    """Touch most of the memory that is free.

    A virtual machine gets each page from its host when it is touched first; where files are written to such
    pages, that takes as long as all the rest of writing them, and depends on what ran before.
    """
    subprocess.run([sys.executable, "-c", _TOUCH], check=True)  # its peak would be that of our children too


def report(what: str, bare: list[Figures], whole: list[Figures]) -> None:
    """Print the ratios of one width."""
    clock = middle("seconds", bare) / middle("seconds", whole)
    cores = middle("busy", bare) / middle("busy", whole) * (os.cpu_count() or 1)
    print(
        f"{what}: {clock:.2f} of bare TA-Lib by the clock, {cores:.2f} by the time of all cores "
        f"(target {TARGET}, aim {AIM}); {max(each['memory'] for each in whole):,.0f} MB"
    )


def grown(root: Path, asked: argparse.Namespace) -> None:
    """Measure ten lakes of a tenth of the symbols and the whole in turn, and print what the whole takes."""
    tenth = argparse.Namespace(**{**vars(asked), "symbols": asked.symbols // 10})
    small, copies, rounds = root.with_name("small"), root.with_name("copies"), list[tuple[Figures, Figures]]()
    fill(small, tenth.symbols, tenth.bars)
    for _ in range(asked.rounds):
        tenths = [run("enrich", "narrow", copied(small, copies / str(each)), tenth) for each in range(10)]
        shutil.rmtree(copies)
        whole = run("enrich", "narrow", copied(root, copies / "whole"), asked)
        shutil.rmtree(copies)
        rounds.append(({name: mean(each[name] for each in tenths) for name in whole}, whole))
    tenths, wholes = (list(side) for side in zip(*rounds, strict=True))
    clock, busy, memory = (middle(name, wholes) / middle(name, tenths) for name in rounds[0][0])
    print(
        f"{asked.symbols} symbols take {clock:.1f} times as long as {tenth.symbols} by the clock, {busy:.1f} "
        f"times the processors' time (at most {GROWTH}); {memory:.2f} of the memory, "
        f"{middle('memory', wholes):,.0f} of {middle('memory', tenths):,.0f} MB"
    )


def copied(root: Path, copy: Path) -> Path:
    """Copy a lake and return where."""
    return Path(shutil.copytree(root, copy))


def measured(root: Path, asked: argparse.Namespace) -> dict[str, Figures]:
    """Return what each side took, on copies of the lake."""
    lake, found = root.with_name("copy"), dict[str, Figures]()
    for width in ("all", "narrow"):
        shutil.rmtree(lake, ignore_errors=True)
        shutil.copytree(root, lake)
        for side in ("bare", "enrich"):
            found[f"{side} {width}"] = run(side, width, lake, asked)
    found["without news"] = run("enrich", "narrow", lake, asked)
    fill(lake, asked.symbols, 1, asked.bars)
    found["one more day"] = run("enrich", "narrow", lake, asked)
    return found


def run(side: str, width: str, root: Path, asked: argparse.Namespace) -> Figures:
    """Run one side in a process of its own and return its seconds, processor seconds and MB."""
    os.sync()  # what others wrote is not to be put on disk meanwhile
    numbers = (str(asked.symbols), str(asked.bars))
    command = [sys.executable, "-m", "benchmarks._enrich_side", side, width, str(root), *numbers]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def middle(name: str, figures: list[Figures]) -> float:
    """Return the median of one figure."""
    return median(each[name] for each in figures)


def fill(root: Path, symbols: int, bars: int, first: int = 0) -> None:
    """Append bars to a lake in a process of its own: a child's peak of memory begins with its parent's."""
    process = get_context("spawn").Process(target=append, args=(root, symbols, bars, first))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("expected a lake to be filled, found that it was not; see above")


def append(root: Path, symbols: int, bars: int, first: int) -> None:
    """Append random walks as daily bars, from the day `first` on, in files as the lake itself keeps them."""
    lake = Lake.open(load_settings(lake_root=str(root)))
    names = [f"S{number:05}" for number in range(symbols)]
    if not first:
        dated = {**dict.fromkeys(TABLES["symbols"].schema.names), "exchange": "XNYS", "known_at": KNOWN_AT}
        rows = pa.Table.from_pylist([{**dated, "symbol": name} for name in names], TABLES["symbols"].schema)
        write_deltalake(lake.uri("symbols"), rows, mode="append")
    rows = pa.concat_tables([_rows(name, walk(number, bars), first) for number, name in enumerate(names)])
    for year in sorted(rows["year"].unique().to_pylist()):
        own = rows.filter(pc.equal(rows["year"], year)).combine_chunks()
        written = writer_of(TABLES["bars"])
        write_deltalake(
            lake.uri("bars"), own, mode="append", partition_by=["year"], writer_properties=written
        )
    if not first:
        sort_files(lake.table("bars"), TABLES["bars"])
        lake.table("bars").vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


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


if __name__ == "__main__":
    main()
