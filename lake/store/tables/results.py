"""Tables of what was worked out: states, sandbox runs (which count once entered), training sets."""

from __future__ import annotations

import pyarrow as pa

from lake.store.tables.spec import UTC_MICROS, TableSpec, columns

SYMBOL_STATES = TableSpec(
    name="symbol_states",
    schema=pa.schema(
        columns(
            symbol=pa.string(),
            session=pa.date32(),
            closes_at=UTC_MICROS,
            close=pa.float64(),
            state=pa.string(),
            best_timeframe=pa.string(),
            shortfall=pa.float64(),
            standings=pa.string(),
        )
    ),
    key=("symbol",),
)
"""Where each symbol stood when alerts were last raised; `state` is buy, hold, sell, or null."""

SANDBOX_RUNS = TableSpec(
    name="sandbox_runs",
    schema=pa.schema(
        columns(
            run_id=pa.string(),
            strategy=pa.string(),
            timeframe=pa.string(),
            account=pa.string(),
            first_ts=UTC_MICROS,
            last_ts=UTC_MICROS,
            cash=pa.float64(),
            commission_bps=pa.float64(),
            slippage_bps=pa.float64(),
            as_of=UTC_MICROS,
            symbols=pa.string(),
            definition=pa.string(),
            data_digest=pa.string(),
            run_at=UTC_MICROS,
        )
    ),
    key=("run_id",),
)
"""The ledger of trials: one row a distinct run, `definition` the strategy as canonical JSON."""

SANDBOX_TRADES = TableSpec(
    name="sandbox_trades",
    schema=pa.schema(
        columns(
            run_id=pa.string(),
            symbol=pa.string(),
            entry_ts=UTC_MICROS,
            entry_price=pa.float64(),
            exit_ts=UTC_MICROS,
            exit_price=pa.float64(),
            quantity=pa.float64(),
            split_ratio=pa.float64(),
            commission=pa.float64(),
            profit=pa.float64(),
            return_pct=pa.float64(),
            exit_reason=pa.string(),
            is_open=pa.bool_(),
            signal_ts=UTC_MICROS,
            bars_held=pa.int64(),
            mae_pct=pa.float64(),
            mfe_pct=pa.float64(),
            dividends=pa.float64(),
        )
    ),
    key=("run_id", "symbol", "entry_ts"),
)
"""Trades of every run. An open one carries the last close as its exit price and `is_open`.

Prices are fills as traded; `quantity` was bought and `quantity * split_ratio` sold. `profit` is net of
commission and without `dividends`; `return_pct` is `profit` in percent of the money the purchase took.
"""

SANDBOX_EQUITY = TableSpec(
    name="sandbox_equity",
    schema=pa.schema(
        columns(
            run_id=pa.string(),
            symbol=pa.string(),
            ts=UTC_MICROS,
            cash=pa.float64(),
            position_value=pa.float64(),
            equity=pa.float64(),
            buy_and_hold=pa.float64(),
        )
    ),
    key=("run_id", "symbol", "ts"),
)
"""Equity marked at every close; `symbol` is null for a shared account."""

SANDBOX_METRICS = TableSpec(
    name="sandbox_metrics",
    schema=pa.schema(
        columns(
            run_id=pa.string(),
            symbol=pa.string(),
            first_ts=UTC_MICROS,
            last_ts=UTC_MICROS,
            bars=pa.int64(),
            final_equity=pa.float64(),
            profit=pa.float64(),
            profit_pct=pa.float64(),
            cagr=pa.float64(),
            volatility=pa.float64(),
            sharpe=pa.float64(),
            sortino=pa.float64(),
            calmar=pa.float64(),
            max_drawdown=pa.float64(),
            max_drawdown_bars=pa.int64(),
            exposure=pa.float64(),
            trades=pa.int64(),
            open_trades=pa.int64(),
            wins=pa.int64(),
            losses=pa.int64(),
            win_rate=pa.float64(),
            profit_factor=pa.float64(),
            expectancy=pa.float64(),
            average_win=pa.float64(),
            average_loss=pa.float64(),
            best_trade=pa.float64(),
            worst_trade=pa.float64(),
            sqn=pa.float64(),
            kelly=pa.float64(),
            turnover=pa.float64(),
            commission=pa.float64(),
            dividends=pa.float64(),
            break_even_bps=pa.float64(),
            buy_and_hold_profit_pct=pa.float64(),
        )
    ),
    key=("run_id", "symbol"),
)
"""Metrics of every run and symbol, defined in `lake.sandbox.metrics`; an undefined one is null."""

TRAINING_SETS = TableSpec(
    name="training_sets",
    schema=pa.schema(
        columns(
            training_set_id=pa.string(),
            timeframe=pa.string(),
            content_hash=pa.string(),
            rows_train=pa.int64(),
            rows_validation=pa.int64(),
            rows_test=pa.int64(),
            path=pa.string(),
            manifest=pa.string(),
            built_at=UTC_MICROS,
        )
    ),
    key=("training_set_id",),
)
"""Training sets that were built, with their manifest as JSON."""
