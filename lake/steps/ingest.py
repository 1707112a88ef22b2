"""Ingest: fetch, check, stage, merge. A run is planned in chunks, staged by many, merged by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.config import Settings
from lake.errors import BadAnswer, BadInput
from lake.market.sessions import calendar
from lake.market.symbols import parse_symbol
from lake.market.timeframes import kind_of
from lake.sources import open_source
from lake.sources.base import NO_SYMBOL, Fetched, IngestRequest, Source, chosen
from lake.sources.intake import Intake, bars_table, take_in
from lake.steps.catch_up import requests_for
from lake.steps.decisions import read_decisions
from lake.steps.group_merge import GroupMerge
from lake.steps.listings import known_listings, listing_of, listing_rows, refreshed_listings
from lake.store.catalog import connect
from lake.store.lake import Lake, now_utc
from lake.store.staging import Staging
from lake.store.tables import TABLES
from lake.universe import DERIVED, SIMULATED, read_universe

DEFAULT_CHUNK = 50
CHUNKS = {"files": 400}
"""Symbols that one task fetches: more where every task reads the same files anew."""

COMMIT_ROWS = 200_000
"""Staged rows that one commit brings at least, where there are so many."""


def default_request(settings: Settings, **changes: Any) -> IngestRequest:
    """Return a request with the source and symbols of conf/universe.yaml where `changes` name none.

    Its own symbols are those that belong to the universe at some time between the request's dates.
    """
    universe = read_universe(settings.conf_folder)
    given = {name: value for name, value in changes.items() if value not in (None, "", ())}
    is_own = given.get("source", universe.source) == universe.source
    names = universe.names_between(given.get("start"), given.get("end")) if is_own else ()
    request = IngestRequest(**{"source": universe.source, "symbols": names, **given})
    return replace(request, symbols=universe.canonical(request.symbols))


def ingest(settings: Settings, request: IngestRequest, source: Source | None = None) -> dict[str, Any]:
    """Run a whole request and return what it changed; a killed run of it is finished first.

    Raises:
        BadAnswer: some symbols could not be fetched; all the others are stored.
    """
    source = source or open_source(request.source, settings, is_patient=True)
    run_id = "request-" + _request_hash(request)
    lake = Lake.open(settings)
    with lake.writing(run_id):  # the same request twice at once shares a staging folder: one after the other
        staging = Staging(lake.root, run_id)
        if staging.known_at() is not None:
            merge(settings, request, run_id)
        staging.clear()
        staged = [stage(settings, request, run_id, chunk, source) for chunk in plan(settings, request)]
        changed = merge(settings, request, run_id)
    refuse_problems(staged)
    # Rows outside the session are counted and dropped: with these a delivery is accounted for.
    return {**changed, "extended_hours": sum(counts.get("extended_hours", 0) for counts in staged)}


def plan(settings: Settings, request: IngestRequest) -> list[list[str]]:
    """Return the request's symbols in chunks, in order of name, each as its source calls it.

    Raises:
        BadInput: the request is not one that its source can answer.
    """
    kind = kind_of(request.timeframe)
    if kind == "n_day" or (kind == "weekly" and request.source != "files"):
        raise BadInput(
            "expected to ingest 1d or intraday bars, or 1wk from files, found "
            f"--timeframe {request.timeframe} of source {request.source}; "
            "longer bars are derived from daily ones: run `lake derive`"
        )
    offered = open_source(request.source, settings).offered(request)
    symbols = chosen(request, offered, read_universe(settings.conf_folder).canonical)
    for symbol in symbols:
        if symbol != NO_SYMBOL:
            parse_symbol(symbol)
    if request.source == SIMULATED and kind_of(request.timeframe) == "daily":
        _refuse_real(Lake.open(settings), symbols)
    size = CHUNKS.get(request.source, DEFAULT_CHUNK)
    return [symbols[start : start + size] for start in range(0, len(symbols), size)]


def _refuse_real(lake: Lake, symbols: Sequence[str]) -> None:
    """Refuse to simulate daily bars of symbols that have them from another source."""
    real = (
        connect(lake)
        .execute(
            "SELECT DISTINCT symbol, source FROM bars WHERE timeframe = '1d' AND source NOT IN (?, ?) "
            "AND symbol IN (SELECT unnest(?)) ORDER BY symbol",
            [SIMULATED, DERIVED, symbols],
        )
        .fetchall()
    )
    if real:
        raise BadInput(
            "expected symbols that no other source has for simulated daily bars, found "
            + ", ".join(f"{symbol} (from {source})" for symbol, source in real)
            + "; name made-up ones with --symbols, or leave it out"
        )


def stage(
    settings: Settings,
    request: IngestRequest,
    run_id: str,
    chunk: Sequence[str],
    source: Source | None = None,
) -> dict[str, Any]:
    """Fetch and check one chunk and put its rows aside for `merge`.

    `problems` of what is returned names the symbols that could not be fetched; nothing is put aside
    for them, so that whatever the lake has of them stays.
    """
    source = source or open_source(request.source, settings)
    lake = Lake.open(settings)
    con = connect(lake)
    known, decided = known_listings(con), read_decisions(con).rows
    universe = read_universe(settings.conf_folder)
    listings = universe.listings()
    taken: list[tuple[Fetched, Intake, dict[str, Any]]] = []
    problems: dict[str, str] = {}
    for asked, symbols in requests_for(con, universe, request, chunk, known):
        for delivered in source.fetch(asked, symbols):
            (symbol,) = universe.canonical([delivered.symbol])
            if delivered.problem is not None:
                problems[symbol] = delivered.problem
                continue
            fetched = replace(delivered, symbol=symbol)
            listing = listing_of(symbol, fetched.name, asked.exchange, known, listings)
            intake = take_in(fetched, asked, calendar(listing["exchange"]), now_utc(), decided)
            taken.append((fetched, intake, listing))
    counts = _put(Staging(lake.root, run_id), request, chunk, taken) if taken else {}
    return {**counts, "problems": problems}


def refuse_problems(staged: Iterable[Mapping[str, Any]]) -> None:
    """Raise what kept symbols from being fetched, after all others were stored.

    Raises:
        BadAnswer: there was something.
    """
    problems = {symbol: why for counts in staged for symbol, why in counts["problems"].items()}
    if not problems:
        return
    first = next(iter(problems.values()))
    if len(problems) == 1:
        raise BadAnswer(f"{first}; nothing was written for {next(iter(problems))}")
    raise BadAnswer(
        f"expected an answer about every symbol, found none to use about {len(problems)}: "
        f"{', '.join(problems)}; nothing was written for them, all others are stored; the first: {first}"
    )


def _put(
    staging: Staging,
    request: IngestRequest,
    chunk: Sequence[str],
    taken: Sequence[tuple[Fetched, Intake, dict[str, Any]]],
) -> dict[str, int]:
    listings = [listing for *_, listing in taken if listing["symbol"] != NO_SYMBOL]
    tables = {
        "symbols": listing_rows(listings),
        "actions": pa.concat_tables([_action_rows(f, request, listing) for f, _, listing in taken]),
        "quarantine": pa.concat_tables([intake.quarantine for _, intake, _ in taken]),
        _table(request): pa.concat_tables([intake.bars for _, intake, _ in taken]),
    }
    staging.put(hashlib.sha256(chunk[0].encode()).hexdigest()[:16], tables)
    outside = sum(intake.extended_hours for _, intake, _ in taken)
    return {**{name: table.num_rows for name, table in tables.items()}, "extended_hours": outside}


def merge(settings: Settings, request: IngestRequest, run_id: str) -> dict[str, Any]:
    """Merge everything the run staged under one `known_at`; running it again finishes a killed one.

    Bars come last, so that whoever sees them sees their symbol and actions too.
    """
    lake = Lake.open(settings)
    staging = Staging(lake.root, run_id)
    table = _table(request)
    # Always in this order: news of actions has the bars of the other table judged anew too.
    with lake.writing("bars"), lake.writing(table):
        known_at = staging.known_at()
        if known_at is None:
            known_at = lake.stamp(table, now_utc())
            staging.begin_merge(known_at)
        counts: dict[str, dict[str, int]] = {}
        described = refreshed_listings(
            known_listings(connect(lake)), read_universe(settings.conf_folder).listings()
        )
        lake.upsert("symbols", listing_rows(described), known_at)
        for group in staging.groups(("symbols", "actions", "quarantine", table), COMMIT_ROWS):
            GroupMerge(settings, lake, request, group, known_at, counts).run()
        staging.clear()
    return {"run_id": run_id, "known_at": known_at.isoformat(), **counts}


def _table(request: IngestRequest) -> str:
    return bars_table(request.timeframe)


def _schema(name: str) -> pa.Schema:
    return pa.schema(
        [field for field in TABLES[name].schema if field.name not in ("known_at", "superseded_at")]
    )


def _action_rows(fetched: Fetched, request: IngestRequest, listing: dict[str, Any]) -> pa.Table:
    rows = fetched.actions
    for bound, compare in ((request.start, pc.greater_equal), (request.end, pc.less_equal)):
        if bound is not None:
            rows = rows.filter(compare(rows["ex_date"], pa.scalar(bound)))
    constants = {
        "symbol": fetched.symbol,
        "currency": listing["currency"],
        "quality": "ok",
        "quality_reason": None,
        "source": request.source,
    }
    columns = {name: rows[name] for name in rows.column_names}
    columns |= {
        name: pa.repeat(pa.scalar(value, pa.string()), len(rows)) for name, value in constants.items()
    }
    schema = _schema("actions")
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def _request_hash(request: IngestRequest) -> str:
    return hashlib.sha256(json.dumps(asdict(request), default=str, sort_keys=True).encode()).hexdigest()[:16]
