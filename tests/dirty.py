"""The dirty cases of the shared data through real ingestion, each into its own throw-away lake.

Vendors' columns and date formats are converted here; values never are.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lake.config import Settings, load_settings
from lake.errors import LakeError
from lake.steps.ingest import default_request, ingest
from lake.store.catalog import connect
from lake.store.lake import Lake

_NAMES = {
    "date": "ts",
    "datetime": "ts",
    "timestamp": "ts",
    "adj close": "adj_close",
    "adj. close": "adj_close",
    "dividends": "dividend",
    "ex-dividend": "dividend",
    "stock splits": "split",
    "split ratio": "split",
}
_FORMATS = ("%d-%b-%y", "%m/%d/%Y")


@dataclass
class Outcome:
    """What a lake holds after a case was loaded."""

    counts: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    bars: int = 0
    suspect_bars: dict[tuple[str, str], str] = field(default_factory=dict)
    suspect_actions: dict[tuple[str, str], tuple[float, str, bool]] = field(default_factory=dict)
    actions_by_symbol: dict[tuple[str, str], tuple[float, str, bool]] = field(default_factory=dict)
    noted: dict[tuple[str, str], str] = field(default_factory=dict)
    set_aside: dict[tuple[str, str], str] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    quarantined_days: dict[str, list[str]] = field(default_factory=dict)


def cases(shared_data: Path) -> dict[str, dict[str, Any]]:
    """Return every case by name."""
    return {case["case"]: case for case in json.loads((shared_data / "dirty" / "cases.json").read_text())}


def load(case: dict[str, Any], shared_data: Path, folder: Path) -> Outcome:
    """Return what comes of a case in an empty lake below `folder`."""
    settings = load_settings(lake_root=str(folder / "lake"))
    path = converted(shared_data / case["file"], folder, symbol_of(case))
    timeframe = "1wk" if "1wk" in case["case"] else "1d"
    try:
        counts = ingest_file(settings, path, case, timeframe)
    except LakeError as error:
        return Outcome(error=str(error))
    return observed(settings, counts)


def ingest_file(
    settings: Settings, path: Path, case: dict[str, Any], timeframe: str = "1d"
) -> dict[str, Any]:
    """Ingest a converted file as its case says."""
    return ingest(
        settings,
        default_request(
            settings,
            source="files",
            path=str(path),
            timeframe=timeframe,
            exchange=case["exchange"],
            price_basis=case["price_basis"],
        ),
    )


def symbol_of(case: dict[str, Any]) -> str:
    """Return the symbol of a case's file, where the file names none."""
    return {"orcl-google-dash": "ORCL", "cat-missing-split": "CAT"}.get(
        case["case"], "SPY" if case["case"].startswith("skender") else case["case"].split("-")[0].upper()
    )


def observed(settings: Settings, counts: dict[str, Any] | None = None) -> Outcome:
    """Return what a lake holds."""
    con = connect(Lake.open(settings))
    found = Outcome(counts=counts or {})
    doubted = con.execute(
        "SELECT symbol, ts::DATE, quality, quality_reason FROM bars WHERE quality_reason IS NOT NULL"
    )
    for symbol, day, quality, why in doubted.fetchall():
        (found.suspect_bars if quality == "suspect" else found.noted)[symbol, str(day)] = why
    actions = con.execute(
        "SELECT symbol, ex_date, kind, value, quality_reason, is_applied FROM actions "
        "WHERE quality = 'suspect'"
    ).fetchall()
    found.suspect_actions = {(str(day), kind): (v, why, on) for _, day, kind, v, why, on in actions}
    found.actions_by_symbol = {(name, str(day)): (v, why, on) for name, day, _, v, why, on in actions}
    aside = con.execute("SELECT symbol, reason, ts::DATE FROM quarantine ORDER BY reason, ts").fetchall()
    found.quarantined = dict(Counter(reason for _, reason, _ in aside))
    for symbol, reason, day in aside:
        found.quarantined_days.setdefault(reason, []).append(str(day))
        found.set_aside[symbol, str(day)] = reason
    (found.bars,) = con.execute("SELECT count(*) FROM bars").fetchone() or (0,)
    return found


def converted(source: Path, folder: Path, symbol: str) -> Path:
    """Return a copy of a vendor's file with our column names, a symbol, and ISO dates."""
    folder.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes()
    text = (gzip.decompress(content) if source.suffix == ".gz" else content).decode()
    path = folder / (source.name.removesuffix(".gz"))
    with path.open("w", newline="") as out:
        rows = csv.reader(io.StringIO(text, newline=""))
        header = next(rows, None)
        if header is None:
            return path
        names = [_NAMES.get(name.strip().lower(), name.strip().lower()) for name in header]
        day, has_symbol = names.index("ts"), "symbol" in names
        writer = csv.writer(out)
        writer.writerow(names if has_symbol else ["symbol", *names])
        for row in rows:
            row = [*row[:day], _iso(row[day]), *row[day + 1 :]]
            writer.writerow(row if has_symbol else [symbol, *row])
    return path


def _iso(text: str) -> str:
    for form in _FORMATS:
        try:
            return f"{datetime.strptime(text, form):%Y-%m-%d}"
        except ValueError:
            continue
    return text[:10]
