"""What makes two sandbox runs the same trial: everything that decides their result, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from lake.market.bars import Actions, Bars
from lake.rules.identity import canonical_json
from lake.sandbox.engine import ENGINE_VERSION
from lake.sandbox.outcome import Costs
from lake.sandbox.strategies import Signal, Strategy

_BAR_COLUMNS = ("open", "high", "low", "close", "volume")
_BAR_FLAGS = ("is_complete", "is_suspect")


def definition_of(strategy: Strategy, rule_versions: Mapping[str, str]) -> str:
    """Return a strategy as canonical JSON, its rules by version; its description does not count."""

    def signal(part: Signal) -> dict[str, str]:
        return {"rule": part.rule, "version": rule_versions[part.rule], "side": part.side}

    enter, leave = signal(strategy.enter), signal(strategy.leave)
    return canonical_json({"name": strategy.name, "enter": enter, "leave": leave})


def run_id_of(
    *,
    definition: str,
    timeframe: str,
    account: str,
    symbols: Sequence[str],
    start: date | None,
    end: date | None,
    costs: Costs,
    as_of: datetime | None,
    data_digest: str,
) -> str:
    """Return the sha256, as hex, of a run's inputs; symbols count as a set."""
    return sha256(
        canonical_json(
            {
                "engine": ENGINE_VERSION,
                "definition": json.loads(definition),
                "timeframe": timeframe,
                "account": account,
                "symbols": sorted(set(symbols)),
                "start": start.isoformat() if start else None,
                "end": end.isoformat() if end else None,
                "cash": float(costs.cash),
                "commission_bps": float(costs.commission_bps),
                "slippage_bps": float(costs.slippage_bps),
                "as_of": as_of.astimezone(UTC).isoformat() if as_of else None,
                "data": data_digest,
            }
        )
    )


def digest_of(bars: Bars, actions: Actions) -> str:
    """Return the sha256 of one symbol's bars and actions by value; when they became known does not count."""
    sha = hashlib.sha256(f"{bars.symbol}\x1f{bars.timeframe}\x1f{len(bars)}".encode())
    for times in (bars.ts, bars.closes_at):
        sha.update(times.astype("datetime64[us]").astype("<i8").tobytes())
    sha.update(bars.session.astype("datetime64[D]").astype("<i8").tobytes())
    for name in _BAR_COLUMNS:
        sha.update(_floats(getattr(bars, name)))
    for name in _BAR_FLAGS:
        sha.update(getattr(bars, name).astype("u1").tobytes())
    for dates, values in (
        (actions.split_dates, actions.split_ratios),
        (actions.dividend_dates, actions.dividends),
    ):
        sha.update(f"{len(dates)}".encode() + dates.astype("datetime64[D]").astype("<i8").tobytes())
        sha.update(_floats(values))
    return sha.hexdigest()


def combined(digests: Iterable[tuple[str, str]]) -> str:
    """Return one digest of each symbol's digest, whatever their order."""
    return sha256(canonical_json(dict(sorted(digests))))


def sha256(text: str) -> str:
    """Return the sha256 of a text's UTF-8, as hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _floats(values: Any) -> bytes:
    # Adding 0 makes -0.0 the 0.0 it equals; the bits of a NaN are not all the same either.
    numbers = np.asarray(values, dtype="<f8") + 0.0
    return np.where(np.isnan(numbers), np.nan, numbers).astype("<f8").tobytes()
