"""Outcomes as rows of the sandbox tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from lake.market.bars import Times
from lake.sandbox.metrics import Metrics
from lake.sandbox.outcome import Outcome, Rows
from lake.store.tables import TABLES

SIGNAL, OPEN = "signal", "open"
"""Exit reasons: a signal to leave, or none yet."""


def trade_rows(run_id: str, outcome: Outcome) -> pa.Table:
    """Return an account's trades as rows of sandbox_trades."""
    trades = outcome.trades
    last = len(outcome.ts) - 1
    exit_row = np.where(trades.is_open, last, trades.exit_row)
    return _table(
        "sandbox_trades",
        run_id=_repeat(run_id, trades.total),
        symbol=_repeat(outcome.symbol, trades.total),
        entry_ts=_times(outcome.ts, trades.entry_row),
        exit_ts=_times(outcome.ts, exit_row),
        signal_ts=_times(outcome.ts, trades.signal_row),
        exit_reason=np.where(trades.is_open, OPEN, SIGNAL).tolist(),
        is_open=trades.is_open,
        return_pct=outcome.return_pct,
        bars_held=trades.bars_held,
        profit=trades.profit,
        mae_pct=trades.mae_pct,
        mfe_pct=trades.mfe_pct,
        entry_price=trades.entry_price,
        exit_price=trades.exit_price,
        quantity=trades.quantity,
        split_ratio=trades.split_ratio,
        commission=trades.commission,
        dividends=trades.dividends,
    )


def equity_rows(run_id: str, outcome: Outcome) -> pa.Table:
    """Return an account's curve as rows of sandbox_equity."""
    curve, bars = outcome.curve, len(outcome.ts)
    return _table(
        "sandbox_equity",
        run_id=_repeat(run_id, bars),
        symbol=_repeat(outcome.symbol, bars),
        ts=_times(outcome.ts, np.arange(bars)),
        cash=curve.cash,
        position_value=curve.position_value,
        equity=curve.equity,
        buy_and_hold=curve.buy_and_hold,
    )


def metric_rows(run_id: str, outcome: Outcome, metrics: Metrics) -> pa.Table:
    """Return an account's metrics as one row of sandbox_metrics."""
    ends = _times(outcome.ts, np.array([0, -1]))
    return _table(
        "sandbox_metrics",
        run_id=[run_id],
        symbol=[outcome.symbol],
        first_ts=ends[:1],
        last_ts=ends[1:],
        bars=[len(outcome.ts)],
        **{name: [value] for name, value in metrics.as_row().items()},
    )


def _table(name: str, **columns: Any) -> pa.Table:
    schema = TABLES[name].schema
    return pa.table([pa.array(columns[field.name], type=field.type) for field in schema], schema=schema)


def _repeat(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), count)


def _times(ts: Times, rows: Rows) -> pa.Array:
    return pa.array(ts[rows].astype("datetime64[us]")).cast(pa.timestamp("us", tz="UTC"))
